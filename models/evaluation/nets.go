package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/onnx"
)

// Roles of nets.
const (
	roleFull       = "full"       // all classes, the reference
	roleSmall      = "small"      // all classes, cheap
	roleSelector   = "selector"   // all classes, mid-size
	roleSpecialist = "specialist" // classes that are easily confused, and "other"
	roleContext    = "context"    // classes that frames from the same places show together, and "other"; a specialist too
)

// Net is one ONNX file and what it is for.
type Net struct {
	models.NetEntry
	Role string `json:"role"`
	Int8 bool   `json:"int8,omitempty"` // it is quantised, at least in part; known once it is loaded
	Dir  string `json:"-"`              // folder that File is below
}

// Nets are all nets that may take part, of one training.
type Nets struct {
	Name    string
	Classes []string         // names in label order
	Input   models.InputSize // of every net that has none of its own
	All     []Net            // the full model first
	HeldOut []string         // images that no net was trained on, slash paths below the data folder; empty: not known
}

// netsFile is what training writes.
const netsFile = "nets.json"

type netsJSON struct {
	Format  int
	Name    string
	Classes []string
	Input   models.InputSize
	Nets    []netJSON
	Split   struct{ Val []string }
}

type netJSON struct {
	File, Role string
	Classes    []int
	Other      bool
	MFLOPs     float64 `json:"mflops"`
	Params     int64
	SHA256     string
	Input      *models.Input  // where it is not uint8 NHWC at the size of the file
	Output     *models.Output // where it is not logits
}

// ReadNets reads the folder that training wrote, or a pack, whose nets can so be tuned again on other frames.
// Temperatures are 1 until they are fitted.
func ReadNets(dir string) (*Nets, error) {
	path := filepath.Join(dir, netsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return netsOfPack(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("nets %s: %w", dir, err)
	}
	var j netsJSON
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&j); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if j.Format != 1 {
		return nil, fmt.Errorf("%s: format is %d: this version reads format 1", path, j.Format)
	}
	n := &Nets{Name: j.Name, Classes: j.Classes, Input: j.Input, HeldOut: j.Split.Val}
	for _, e := range j.Nets {
		entry := models.NetEntry{File: e.File, SHA256: e.SHA256, Classes: e.Classes, Other: e.Other, Temperature: 1, MFLOPs: e.MFLOPs, Params: e.Params, Input: e.Input, Output: e.Output}
		if inOrder(e.Classes, len(j.Classes)) {
			entry.Classes = nil
		}
		n.All = append(n.All, Net{NetEntry: entry, Role: e.Role, Dir: dir})
	}
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// inOrder reports whether outputs are simply the classes 0 … n-1.
func inOrder(outputs []int, n int) bool {
	for i, c := range outputs {
		if c != i {
			return false
		}
	}
	return len(outputs) == n
}

// check finds what would make the nets useless, and puts the full model first.
func (n *Nets) check() error {
	at := slices.IndexFunc(n.All, func(e Net) bool { return e.Role == roleFull })
	if at < 0 {
		return errors.New("no full model: train again")
	}
	n.All[0], n.All[at] = n.All[at], n.All[0]
	if len(n.Classes) < 2 {
		return fmt.Errorf("%d classes: at least 2 are needed", len(n.Classes))
	}
	for _, e := range n.All {
		for _, c := range e.Classes {
			if c < 0 || c >= len(n.Classes) {
				return fmt.Errorf("%s: class index %d: there are %d classes", e.File, c, len(n.Classes))
			}
		}
		global := e.Classes == nil && !e.Other
		if !global && e.Role != roleSpecialist && e.Role != roleContext {
			return fmt.Errorf("%s: a %s net must answer all classes, without other", e.File, e.Role)
		}
	}
	return nil
}

// netsOfPack lists the nets of the pack in dir.
func netsOfPack(dir string) (*Nets, error) {
	if _, err := os.Stat(filepath.Join(dir, models.ManifestFile)); err != nil {
		return nil, fmt.Errorf("nets %s: contains neither %s nor %s: name the folder that training wrote, or a pack", dir, netsFile, models.ManifestFile)
	}
	p, err := models.OpenPack(dir)
	if err != nil {
		return nil, err
	}
	return packNets(p), nil
}

// packNets lists the nets that a pack ships.
func packNets(p *models.Pack) *Nets {
	n := &Nets{Name: p.Name, Classes: p.Classes, Input: p.Input}
	add := func(e models.NetEntry, role string) {
		n.All = append(n.All, Net{NetEntry: e, Role: role, Dir: p.Dir})
	}
	add(p.Full, roleFull)
	if p.Small != nil {
		add(*p.Small, roleSmall)
	}
	if p.Selector != nil {
		add(*p.Selector, roleSelector)
	}
	for _, s := range p.Specialists {
		role := roleSpecialist
		if s.Classes == nil && !s.Other {
			role = roleSmall
		}
		add(s, role)
	}
	for _, s := range p.PaperNets {
		add(s, roleSpecialist)
	}
	return n
}

// add adds the nets of others that are not among these yet, compared by their bytes.
func (n *Nets) add(others *Nets) error {
	if !slices.Equal(n.Classes, others.Classes) || n.Input.Width != others.Input.Width || n.Input.Height != others.Input.Height {
		return errors.New("the classes or the input size of the nets differ from the pack's: name the nets it was built from")
	}
	for _, e := range others.All {
		if !slices.ContainsFunc(n.All, func(have Net) bool { return have.SHA256 == e.SHA256 }) {
			n.All = append(n.All, e)
		}
	}
	return nil
}

// weights names what the net computes with, as the card says it.
func (e Net) weights() string {
	if e.Int8 {
		return "int8"
	}
	return "float"
}

// quantised looks into the net's file.
func (e Net) quantised() (bool, error) {
	file := filepath.Join(e.Dir, filepath.FromSlash(e.File))
	b, err := os.ReadFile(file)
	if err != nil {
		return false, fmt.Errorf("read net: %w", err)
	}
	m, err := onnx.Read(b)
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	return m.Quantised, nil
}

// load makes the net ready to run.
func (n *Nets) load(e Net) (*models.Net, error) {
	p := models.Pack{Manifest: models.Manifest{Classes: n.Classes, Input: n.Input}, Dir: e.Dir}
	return p.Load(e.NetEntry)
}
