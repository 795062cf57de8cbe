package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cachenet/cachenet/models/policy"
)

// ManifestFile is the name of the file that makes a folder a pack.
const ManifestFile = "manifest.json"

// Manifest describes a pack: what it knows, the nets it holds and how they are to be used.
type Manifest struct {
	Format      int              `json:"format"`  // 1, or 2 where a net has an input or output of its own
	Name        string           `json:"name"`    // e.g. scenes
	Version     string           `json:"version"` // e.g. 1.0.0
	Classes     []string         `json:"classes"` // names in label order, 2 … 1000 of them
	Input       InputSize        `json:"input"`   // of every net that has none of its own
	Full        NetEntry         `json:"full"`
	Selector    *NetEntry        `json:"selector,omitempty"`   // mid-size net of all classes, asked on a miss
	Small       *NetEntry        `json:"small,omitempty"`      // global net of specialist size, where no specialist is one
	Specialists []NetEntry       `json:"specialists"`          // at least one, where the policy is not that of the full model alone
	Policy      policy.Settings  `json:"policy"`               // decides between hit and miss
	Audited     *policy.Settings `json:"audited,omitempty"`    // Policy for runs that audit hits, where it was calibrated with audits and confirmations
	Paper       *policy.Settings `json:"paper,omitempty"`      // the same for the paper's protocol, where the pack was calibrated for it
	PaperNets   []NetEntry       `json:"paper_nets,omitempty"` // the specialists of the paper's protocol, where Specialists is one global net
	Routed      *policy.Settings `json:"routed,omitempty"`     // the same with the selector as teacher, so that misses can go elsewhere, where it was calibrated
	Guarded     *policy.Settings `json:"guarded,omitempty"`    // Policy with the rare-class guard on, where it was calibrated
}

// NetEntry is one ONNX file of a pack.
type NetEntry struct {
	File        string  `json:"file"`              // slash path below the pack's folder
	SHA256      string  `json:"sha256"`            // lower-case hex
	Classes     []int   `json:"classes,omitempty"` // label of each output; absent: all classes in order
	Other       bool    `json:"other,omitempty"`   // the net has one more output, last: none of its classes
	Temperature float32 `json:"temperature"`       // logits are divided by it before softmax; > 0
	Input       *Input  `json:"input,omitempty"`   // absent: uint8 NHWC in RGB, at the pack's size
	Output      *Output `json:"output,omitempty"`  // absent: logits
	MeasuredUs  float64 `json:"measured_us,omitempty"`
	MFLOPs      float64 `json:"mflops,omitempty"`
	Params      int64   `json:"params,omitempty"`
}

// Outputs returns the number of outputs of the net in a pack of classes classes.
func (e NetEntry) Outputs(classes int) int {
	n := len(e.Classes)
	if n == 0 {
		n = classes
	}
	if e.Other {
		n++
	}
	return n
}

// InputOf is what a net of the pack takes.
func (m Manifest) InputOf(e NetEntry) Input {
	if e.Input != nil {
		return *e.Input
	}
	return Input{View: m.Input.View()}
}

// ParseManifest reads and checks the text of a manifest; unknown keys are errors, so that a misspelt setting is not ignored.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return m, errors.New("extra text after the JSON object")
	}
	return m, m.Validate()
}

// Validate reports the first thing that is wrong with the manifest itself; files are checked by [OpenPack].
func (m Manifest) Validate() error {
	switch {
	case m.Format != 1 && m.Format != 2:
		return fmt.Errorf("format is %d: this version reads formats 1 and 2", m.Format)
	case m.Name == "" || m.Version == "":
		return errors.New("name and version must be set")
	case len(m.Classes) < 2 || len(m.Classes) > 1000:
		return fmt.Errorf("%d classes: 2 to 1000 are supported", len(m.Classes))
	case len(m.Specialists) == 0 && m.Policy.Kind != policy.Full:
		return errors.New("no specialists: name at least one (one global small net is enough)")
	}
	if err := m.Input.View().Validate(); err != nil {
		return err
	}
	if (m.Input.Resize != "" || m.Input.Filter != "") && m.Format < 2 {
		return errors.New("input: resize and filter need format 2")
	}
	if err := m.validateNames(); err != nil {
		return err
	}
	for _, n := range m.Nets() {
		if err := m.validateNet(n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return m.validatePolicies()
}

func (m Manifest) validateNames() error {
	for what, name := range map[string]string{"name": m.Name, "version": m.Version} {
		if strings.ContainsFunc(name, unicode.IsControl) { // it is printed as a part of lines
			return fmt.Errorf("%s %.60q: must not contain control characters", what, name)
		}
	}
	for what, names := range map[string][]string{"name": {m.Name}, "version": {m.Version}, "class": m.Classes} {
		for _, name := range names {
			if err := checkName(name); err != nil {
				return fmt.Errorf("%s %.60q: %w", what, name, err)
			}
		}
	}
	if dup := firstDuplicate(m.Classes); dup != "" {
		return fmt.Errorf("class %q is named twice", dup)
	}
	return nil
}

func (m Manifest) validateNet(n NamedNet) error {
	if err := n.validate(len(m.Classes)); err != nil {
		return err
	}
	if (n.Input != nil || n.Output != nil) && m.Format < 2 {
		return errors.New("an input or output of its own needs format 2")
	}
	global := n.Name == FullNet || n.Name == SelectorNet || n.Name == SmallNet
	if global && (n.Classes != nil || n.Other) {
		return errors.New("must answer all classes, without other")
	}
	return nil
}

// validatePolicies checks the pack's policy and those that options choose in its place.
func (m Manifest) validatePolicies() error {
	for _, p := range []struct {
		name        string
		settings    *policy.Settings
		specialists int
	}{
		{"policy", &m.Policy, len(m.Specialists)}, {"routed", m.Routed, len(m.Specialists)},
		{"guarded", m.Guarded, len(m.Specialists)}, {"audited", m.Audited, len(m.Specialists)}, {"paper", m.Paper, len(m.paperNets())},
	} {
		if p.settings == nil {
			continue
		}
		if err := p.settings.Validate(p.specialists, m.Selector != nil); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if a := m.Audited; a != nil && (a.Kind != policy.Window || a.Teacher != policy.Inline || a.Score != m.Policy.Score) {
		return errors.New("audited: it needs kind window and teacher full, with which hits are confirmed, and the score of policy")
	}
	return nil
}

// WithAudits returns the pack's own settings in a run that audits hits at [policy.DefaultAuditRate].
func (m Manifest) WithAudits() policy.Settings {
	s := m.Policy
	if m.Audited != nil {
		s = *m.Audited
	}
	s.AuditRate = policy.DefaultAuditRate
	return s
}

func (e NetEntry) validate(classes int) error {
	if e.File == "" || !filepath.IsLocal(filepath.FromSlash(e.File)) {
		return fmt.Errorf("file %q: must be a path below the pack's folder", e.File)
	}
	if !(e.Temperature > 0) {
		return fmt.Errorf("temperature %v: must be above 0", e.Temperature)
	}
	if e.Classes != nil && len(e.Classes) == 0 {
		return errors.New("classes is empty: name at least one, or leave it out for all classes")
	}
	if e.Input != nil {
		if err := e.Input.Validate(); err != nil {
			return err
		}
	}
	if e.Output != nil {
		if err := e.Output.validate(); err != nil {
			return err
		}
	}
	for i, c := range e.Classes {
		if c < 0 || c >= classes {
			return fmt.Errorf("class index %d: the pack has %d classes", c, classes)
		}
		if slices.Contains(e.Classes[:i], c) {
			return fmt.Errorf("class index %d is named twice", c)
		}
	}
	return nil
}

// maxNameBytes is the longest name of a class that a frame's label can give.
const maxNameBytes = 256

// checkName refuses names that rows cannot hold: they tell a frame without an answer by its empty label. Names of
// classes are data of the user's, so they may contain anything else, even the line's end of the list that they were
// read from.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("must not be empty")
	case len(name) > maxNameBytes:
		return fmt.Errorf("%d bytes: must be at most %d", len(name), maxNameBytes)
	case !utf8.ValidString(name):
		return errors.New("must be valid UTF-8")
	}
	return nil
}

// NamedNet is a net of the pack with the name it has in outcomes.
type NamedNet struct {
	Name string
	NetEntry
}

// Nets lists every net of the pack.
func (m Manifest) Nets() []NamedNet {
	all := []NamedNet{{FullNet, m.Full}}
	if m.Selector != nil {
		all = append(all, NamedNet{SelectorNet, *m.Selector})
	}
	if m.Small != nil {
		all = append(all, NamedNet{SmallNet, *m.Small})
	}
	for i, s := range m.Specialists {
		all = append(all, NamedNet{SpecialistNet(i), s})
	}
	for i, s := range m.PaperNets {
		all = append(all, NamedNet{"paper " + SpecialistNet(i), s})
	}
	return all
}

// SHAs is the set of the sha256 of all files of the pack.
func (m Manifest) SHAs() map[string]bool {
	all := map[string]bool{}
	for _, n := range m.Nets() {
		all[n.SHA256] = true
	}
	return all
}

// paperNets are the specialists that the paper's protocol caches.
func (m Manifest) paperNets() []NetEntry {
	if len(m.PaperNets) > 0 {
		return m.PaperNets
	}
	return m.Specialists
}

// For returns the manifest with the specialists that a policy of that kind caches.
func (m Manifest) For(kind string) Manifest {
	if kind == policy.Paper {
		m.Specialists = m.paperNets()
	}
	return m
}

// Names of nets in outcomes, logs and metrics.
const (
	FullNet     = "full"
	FusedNet    = "full+window" // how rows name an answer that is the full model's and the window's together
	SelectorNet = "selector"
	SmallNet    = "small"
)

// SpecialistNet is the name of specialist i, e.g. specialist-03.
func SpecialistNet(i int) string { return fmt.Sprintf("specialist-%02d", i) }

func firstDuplicate(names []string) string {
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			return n
		}
		seen[n] = true
	}
	return ""
}
