package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cachenet/cachenet/models/policy"
)

// policyFormat is the format of policy files that this version reads and writes.
const policyFormat = 1

// PolicyFile is a policy for one pack, kept apart from it: cachenet tune writes one, and a run takes it in place of the
// pack's own.
type PolicyFile struct {
	Format   int             `json:"format"`
	Pack     string          `json:"pack"`            // name@version
	Manifest string          `json:"manifest_sha256"` // of that pack, lower-case hex: thresholds mean nothing with other nets or temperatures
	Policy   policy.Settings `json:"policy"`
	Found    json.RawMessage `json:"found,omitempty"` // how it was found, for people

	ID string `json:"-"` // how rows name it: file: and the first 12 hex digits of the file's sha256
}

// NewPolicyFile makes settings the policy file of a pack.
func NewPolicyFile(p *Pack, s policy.Settings, found any) (PolicyFile, error) {
	text, err := json.Marshal(found)
	if err != nil {
		return PolicyFile{}, fmt.Errorf("write a policy file: %w", err)
	}
	return PolicyFile{Format: policyFormat, Pack: p.ID(), Manifest: p.SHA256, Policy: s, Found: text}, nil
}

// ReadPolicyFile reads and checks a policy file for the pack; unknown keys are errors.
func ReadPolicyFile(path string, p *Pack) (PolicyFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return PolicyFile{}, fmt.Errorf("read policy file: %w", err)
	}
	var f PolicyFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return f, fmt.Errorf("policy file %s: %w", path, err)
	}
	switch {
	case f.Format != policyFormat:
		return f, fmt.Errorf("policy file %s: format is %d: this version reads format %d", path, f.Format, policyFormat)
	case f.Manifest != p.SHA256:
		return f, fmt.Errorf("policy file %s: is for pack %s with a manifest of sha256 %.12s, and that of pack %s is %.12s: run cachenet tune again with this pack", path, f.Pack, f.Manifest, p.ID(), p.SHA256)
	}
	if err := f.Policy.Validate(len(p.Specialists), p.Selector != nil); err != nil {
		return f, fmt.Errorf("policy file %s: %w", path, err)
	}
	f.ID = "file:" + Digest(text)[:12]
	return f, nil
}

// Write writes the file; it appears only when it is whole.
func (f PolicyFile) Write(path string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = WriteAtomic(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write policy file: %w", err)
	}
	return nil
}
