package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cachenet/cachenet/models/policy"
)

// Pack is a manifest whose files are there and unaltered.
type Pack struct {
	Manifest
	Dir    string
	SHA256 string   // of the manifest, which names the sha256 of every other file; lower-case hex
	FullOn Provider // what the full model runs on when it is loaded; empty: the CPU. The small nets run on the CPU
	depot  Depot    // where the files are; nil: in Dir, all of them
}

// OpenPack reads the pack in dir and checks the manifest and the checksum of every file it names.
func OpenPack(dir string) (*Pack, error) {
	p, err := openManifest(dir)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Nets() {
		if _, err := p.read(n.NetEntry); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// ID is how the pack is named in outcomes.
func (p *Pack) ID() string { return p.Name + "@" + p.Version }

// PolicyWith returns the policy that the pack's settings, or others, make of its nets.
func (p *Pack) PolicyWith(s policy.Settings) *policy.Policy {
	pol := &policy.Policy{Settings: s, Classes: len(p.Classes), FullTemperature: p.Full.Temperature}
	for _, e := range p.Specialists { // the dearest, so that a stream is never kept on nets that cost more than they save
		if p.Full.MeasuredUs > 0 {
			pol.Cost = max(pol.Cost, float32(e.MeasuredUs/p.Full.MeasuredUs))
		}
	}
	if p.Selector != nil {
		pol.SelectorTemperature = p.Selector.Temperature
	}
	for _, e := range p.Specialists {
		pol.Specialists = append(pol.Specialists, policy.Specialist{Classes: e.Classes, Other: e.Other, Temperature: e.Temperature})
	}
	return pol
}

// Global returns the specialist-sized net that knows all classes, and its name; false when the pack has none.
func (p *Pack) Global() (NetEntry, bool) {
	if p.Small != nil {
		return *p.Small, true
	}
	for _, s := range p.Specialists {
		if len(s.Classes) == 0 {
			return s, true
		}
	}
	return NetEntry{}, false
}

// read returns the bytes of a net's file after checking them against the manifest.
func (p *Pack) read(e NetEntry) ([]byte, error) {
	b, err := os.ReadFile(p.path(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("pack %s: %s is missing: copy the whole pack again", p.Dir, e.File)
	}
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", p.Dir, err)
	}
	if Digest(b) != e.SHA256 {
		return nil, fmt.Errorf("pack %s: %s does not have the sha256 of the manifest: %w; copy the whole pack again", p.Dir, e.File, errDamaged)
	}
	return b, nil
}

// Load reads a net of the pack and makes it ready to run.
func (p *Pack) Load(e NetEntry) (*Net, error) {
	n, _, err := p.load(e)
	return n, err
}

// load is Load that also returns the length of the file.
func (p *Pack) load(e NetEntry) (*Net, int64, error) {
	b, err := p.read(e)
	if err != nil {
		return nil, 0, err
	}
	var out Output
	if e.Output != nil {
		out = *e.Output
	}
	on := CPU
	if e.File == p.Full.File {
		on = p.FullOn
	}
	n, err := loadOn(b, p.InputOf(e), out, e.Outputs(len(p.Classes)), on)
	if err != nil {
		return nil, 0, fmt.Errorf("pack %s: %s: %w", p.Dir, e.File, err)
	}
	return n, int64(len(b)), nil
}

// Digest is the sha256 of a file as manifests have it: 64 hexadecimal digits.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
