package evaluation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// pack puts together what the choice needs, and the card without its table.
func (b *builder) pack(nets *Nets) *Built {
	t := b.table
	out := &Built{files: map[string]Net{}}
	m := &out.Manifest
	*m = models.Manifest{Format: 1, Name: b.Name, Version: b.Version, Classes: nets.Classes, Input: nets.Input, Policy: b.chosen.Settings}
	if nets.Input.Resize != "" || nets.Input.Filter != "" {
		m.Format = 2
	}
	m.Full = out.take(t.full(), "full.onnx")
	if s := t.selector(); s != nil {
		e := out.take(s, "selector.onnx")
		m.Selector = &e
	}
	if b.guarded != nil {
		guarded := b.guarded.Settings
		m.Guarded = &guarded
	}
	m.Audited = b.audited()
	small := b.small()
	switch cached := b.chosenRival.nets; {
	case cached != roleSpecialist && cached != roleContext && small != nil:
		m.Specialists = []models.NetEntry{out.take(small, path.Join("specialists", "00.onnx"))}
		m.PaperNets = out.takeAll(t.role(roleSpecialist), "paper")
	default:
		m.Specialists = out.takeAll(t.role(cached), "specialists")
		if small != nil {
			e := out.take(small, "small.onnx")
			m.Small = &e
		}
	}
	m.Paper = b.paper()
	if routed := b.routed(); routed != nil {
		m.Routed = &routed.Settings
	}
	for _, n := range m.Nets() {
		if n.Input != nil || n.Output != nil {
			m.Format = 2
		}
	}
	b.describe(out)
	return out
}

// take lists a net under its name in the pack.
func (b *Built) take(c *column, file string) models.NetEntry {
	b.files[file] = c.Net
	e := c.NetEntry
	e.File, e.MeasuredUs = file, c.us
	return e
}

// takeAll lists nets under numbered names in a folder of the pack.
func (b *Built) takeAll(all []*column, folder string) []models.NetEntry {
	var entries []models.NetEntry
	for i, c := range all {
		entries = append(entries, b.take(c, path.Join(folder, fmt.Sprintf("%02d.onnx", i))))
	}
	return entries
}

// small is the net that the pack ships as its global small one, nil when there is none.
func (b *builder) small() *column {
	all := b.table.role(roleSmall)
	sha := b.chosen.Small
	if sha == "" {
		if best := b.fastest(roleSmall); best != nil {
			sha = best.Small
		}
	}
	for _, s := range all {
		if s.SHA256 == sha {
			return s
		}
	}
	if len(all) > 0 && b.chosenRival.nets == roleFull {
		return all[0] // the full model answers, but a pack names a net to cache
	}
	return nil
}

// paper returns the settings of the paper's protocol, nil when it could not be tuned.
func (b *builder) paper() *policy.Settings {
	for _, t := range b.trials {
		if t.Rival == paper && t.Missing == "" {
			return &t.Settings
		}
	}
	return nil
}

// routed returns the best setup of the nets that ship whose teacher is the selector, nil when there is none.
func (b *builder) routed() *trial {
	var best *trial
	for i, t := range b.trials {
		r := rivalNamed(t.Rival)
		if r.ships && r.nets == b.chosenRival.nets && t.Small == b.chosen.Small && t.Fits && t.Settings.Teacher == policy.Selector && (best == nil || t.better(*best)) {
			best = &b.trials[i]
		}
	}
	return best
}

// describe fills in the card.
func (b *builder) describe(out *Built) {
	frames, sequences := b.table.Frames()
	b.why = append(b.why, b.certificate.findings(b.Budget)...)
	out.Card = Card{Pack: b.Name + "@" + b.Version, Classes: len(b.table.classes), Frames: frames, Sequences: sequences,
		Seed: b.Seed, Budget: b.Budget, Certificate: b.certificate, Chosen: b.chosen.Setup, Audited: b.withAudits, Guarded: b.guarded, Why: b.why}
	ships := map[string]string{}
	for file, n := range out.files {
		ships[n.SHA256] = file
	}
	for i := range b.table.nets {
		c := &b.table.nets[i]
		out.Card.Nets = append(out.Card.Nets, NetCard{Net: c.Net, Us: c.us, Ships: ships[c.SHA256],
			Accuracy: b.table.accuracy(c, b.parts.report), ECE: b.table.calibrationError(c, b.parts.report)})
	}
	for _, t := range b.trials {
		out.Card.Setups = append(out.Card.Setups, t.Setup)
	}
}

// Write makes the folder of the pack; one that is there must be a pack, and is replaced. A pack is
// whole or not there.
func (b *Built) Write(dir string) error {
	if err := replaceable(dir); err != nil {
		return err
	}
	partial := filepath.Clean(dir) + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	if err := b.fill(partial); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	if _, err := models.OpenPack(partial); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	return nil
}

// replaceable refuses to remove a folder that is not a pack.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write pack: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, models.ManifestFile)); err != nil && len(entries) > 0 {
		return fmt.Errorf("write pack: %s contains files but no pack: choose another folder", dir)
	}
	return nil
}

func (b *Built) fill(dir string) error {
	for file, n := range b.files {
		data, err := os.ReadFile(filepath.Join(n.Dir, filepath.FromSlash(n.File)))
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return err
		}
	}
	written := map[string]any{models.ManifestFile: b.Manifest}
	if !b.bare {
		written[cardJSON] = b.Card
	}
	for file, content := range written {
		data, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	if b.bare {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, CardMarkdown), []byte(b.Card.Markdown()), 0o644)
}
