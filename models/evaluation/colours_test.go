package evaluation

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
)

const colours = "../../testdata/colours"

// training lays out the nets of the test pack as the training project does.
func training(t *testing.T) string {
	t.Helper()
	p, err := models.OpenPack(colours)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(colours)); err != nil {
		t.Fatal(err)
	}
	j := netsJSON{Format: 1, Name: "colours", Classes: p.Classes, Input: p.Input}
	for _, n := range packNets(p).All {
		outputs := n.Classes
		if outputs == nil {
			outputs = []int{0, 1, 2, 3}
		}
		j.Nets = append(j.Nets, netJSON{File: n.File, Role: n.Role, Classes: outputs, Other: n.Other, MFLOPs: 1, Params: 16, SHA256: n.SHA256})
	}
	b, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, netsFile), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// paint writes sequences of frames of each colour, some of them pale, and lists them.
func paint(t *testing.T, sequences, frames int) []Sequence {
	t.Helper()
	dir, rng := t.TempDir(), rand.New(rand.NewPCG(1, 2))
	base := map[string][3]float64{"red": {200, 60, 60}, "green": {60, 200, 60}, "blue": {60, 60, 200}, "dark": {25, 25, 25}}
	var all []Sequence
	for _, class := range []string{"red", "green", "blue", "dark"} {
		for s := range sequences {
			seq, pale := Sequence{Class: class}, 0.6*rng.Float64()
			for f := range frames {
				img := image.NewRGBA(image.Rect(0, 0, 8, 8))
				for i := range 64 {
					var c [3]uint8
					for k := range c {
						c[k] = uint8(min(255, max(0, base[class][k]*(1-pale)+110*pale+20*rng.NormFloat64())))
					}
					img.Set(i%8, i/8, color.RGBA{c[0], c[1], c[2], 255})
				}
				name := filepath.Join(dir, fmt.Sprintf("%s-%d_%d.png", class, s, f))
				file, err := os.Create(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := png.Encode(file, img); err != nil {
					t.Fatal(err)
				}
				if err := file.Close(); err != nil {
					t.Fatal(err)
				}
				seq.Files = append(seq.Files, name)
			}
			all = append(all, seq)
		}
	}
	return all
}

// End to end: the training project's folder, scores from the real runtime, a pack that opens, and its evaluation.
func TestBuildAndEvaluate(t *testing.T) {
	nets, err := ReadNets(training(t))
	if err != nil {
		t.Fatal(err)
	}
	data := paint(t, 8, 6)
	var done atomic.Int64
	table, err := Score(t.Context(), nets, data, &done)
	if err != nil {
		t.Fatal(err)
	}
	if done.Load() != 4*8*6 {
		t.Errorf("%d frames counted", done.Load())
	}
	small := effort{kinds: []Kind{{Active: 1, Dwell: 30}, {Active: 2, Dwell: 30, Aligned: true}, {}}, tune: 600, confirm: 600, report: 600, rare: 3000, seeds: 1}
	built, err := Build(t.Context(), table, nets, Options{Name: "colours", Version: "2.0.0", Progress: func(string) {}, Seed: 1,
		Budget: Budget{Loss: 0.05, Margin: 0.01, First: 0.1, Locked: 0.1}, effort: small})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "pack")
	for range 2 { // the second time it replaces a pack
		if err := built.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	pack, err := models.OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := pack.Verify(); err != nil {
		t.Fatal(err)
	}
	evaluateColours(t, pack, nets, data, small)
	again, err := ReadNets(dir)
	if err != nil || len(again.All) != len(nets.All) {
		t.Errorf("the nets of a pack: %+v, %v", again, err)
	}
	if pack.Paper == nil || len(pack.For(policy.Paper).Specialists) != len(table.role(roleSpecialist)) {
		t.Errorf("the paper's protocol has settings %v and specialists %v", pack.Paper, pack.For(policy.Paper).Specialists)
	}
}

func evaluateColours(t *testing.T, pack *models.Pack, nets *Nets, data []Sequence, e effort) {
	card, err := ReadCard(pack)
	if err != nil {
		t.Fatal(err)
	}
	with, err := NetsFor(pack, card, nets)
	if err != nil {
		t.Fatal(err)
	}
	if len(with.All) != len(nets.All) {
		t.Fatalf("%d nets, training had %d", len(with.All), len(nets.All))
	}
	table, err := Score(t.Context(), with, data, new(atomic.Int64))
	if err != nil {
		t.Fatal(err)
	}
	report, err := evaluate(t.Context(), pack, card, table, e, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		if row.Missing != "" {
			t.Errorf("%s: %s", row.Policy, row.Missing)
		}
	}
	for _, name := range []string{"plot.svg", "plot.png"} {
		if err := report.Plot(filepath.Join(pack.Dir, name)); err != nil {
			t.Error(err)
		}
	}
	if err := report.Plot("plot.gif"); err == nil {
		t.Error("a .gif was plotted")
	}
	var text strings.Builder
	if err := report.Text(&text); err != nil || !strings.Contains(text.String(), thisPack) {
		t.Errorf("%v in\n%s", err, text.String())
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if len([]rune(line)) > 120 {
			t.Errorf("%d columns: %s", len([]rune(line)), line)
		}
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
}

// Nets may have their own views of frames: each is scored on its own pixels, the pack records it, and decoding is counted
// once per view.
func TestNetsWithTheirOwnViews(t *testing.T) {
	dir := training(t)
	nets, err := ReadNets(dir)
	if err != nil {
		t.Fatal(err)
	}
	cropped := models.Input{View: picture.View{Width: 8, Height: 8, Resize: picture.Crop, CropRatio: 0.5}}
	nets.All[0].Input = &cropped // the full model sees the middle
	table, err := Score(t.Context(), nets, paint(t, 6, 2), new(atomic.Int64))
	if err != nil {
		t.Fatal(err)
	}
	if table.nets[0].view == table.nets[1].view || table.nets[0].decode <= 0 {
		t.Fatalf("views %d and %d, decoding %.1f µs", table.nets[0].view, table.nets[1].view, table.nets[0].decode)
	}
	l := lookup{specialists: []*column{&table.nets[1]}, full: &table.nets[0]}
	if err := table.settle(); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []func() ([]float32, error){func() ([]float32, error) { return l.Specialist(0) }, l.Full, l.Full} {
		if _, err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if want := table.nets[0].decode + table.nets[1].decode; math.Abs(l.decode-want) > 1e-9 {
		t.Errorf("decoding costs %.2f µs, expected %.2f", l.decode, want)
	}
	built, err := Build(t.Context(), table, nets, Options{Name: "views", Version: "1.0.0", Progress: func(string) {}, Seed: 1,
		Budget: Budget{Loss: 0.1, First: 0.3, Locked: 0.9}, effort: effort{kinds: []Kind{{}}, rivals: []string{cascade}, tune: 600, confirm: 600, report: 600, rare: 600, seeds: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if built.Manifest.Format != 2 || built.Manifest.Full.Input == nil {
		t.Errorf("manifest %+v", built.Manifest)
	}
}

// Unusable files in a folder of images are skipped; it is an error only if nothing is left.
func TestScoreSkipsUnusableFiles(t *testing.T) {
	nets, err := ReadNets(training(t))
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken_1.png")
	if err := os.WriteFile(broken, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	good := paint(t, 1, 2)
	good[0].Files = append(good[0].Files, broken)
	bad := []Sequence{{Class: "violet", Files: good[0].Files}, {Class: "red", Files: []string{broken}}}
	table, err := Score(t.Context(), nets, append(good, bad...), new(atomic.Int64))
	if err != nil {
		t.Fatal(err)
	}
	if frames, sequences := table.Frames(); frames != 8 || sequences != 4 {
		t.Errorf("%d frames in %d sequences", frames, sequences)
	}
	if _, err := Score(t.Context(), nets, bad, new(atomic.Int64)); err == nil || !strings.Contains(err.Error(), "check the data folder") {
		t.Error(err)
	}
}

func TestReadNetsNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"format":     {`"Format":1`, `"Format":2`, "format is 2"},
		"no full":    {`"Role":"full"`, `"Role":"small"`, "no full model"},
		"class":      {`"Classes":[0,1]`, `"Classes":[0,7]`, "class index 7"},
		"not global": {`"Role":"specialist"`, `"Role":"small"`, "must answer all classes"},
	} {
		dir := training(t)
		path := filepath.Join(dir, netsFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		spoilt := strings.Replace(string(b), c.from, c.to, 1)
		if spoilt == string(b) {
			t.Fatalf("%s: nothing to corrupt in %s", name, b)
		}
		if err := os.WriteFile(path, []byte(spoilt), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadNets(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadNets(t.TempDir()); err == nil || !strings.Contains(err.Error(), netsFile) {
		t.Error(err)
	}
}

// A net whose answers differ from those at training must not become a pack.
func TestVectorsAreReproduced(t *testing.T) {
	dir := training(t)
	frame := make([]byte, 8*8*3)
	write := func(offset float32, tolerance float64) {
		p, err := models.OpenPack(dir)
		if err != nil {
			t.Fatal(err)
		}
		n, err := p.Load(p.Full)
		if err != nil {
			t.Fatal(err)
		}
		logits, err := n.Run(frame, 1)
		if err != nil {
			t.Fatal(err)
		}
		logits[2] += offset
		b, err := json.Marshal(vectors{Frames: frame, Logits: [][]float32{logits}, Tolerance: tolerance})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "full.vectors.json"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nets, err := ReadNets(dir)
	if err != nil {
		t.Fatal(err)
	}
	data := paint(t, 1, 1)
	for _, c := range []struct {
		offset    float32
		tolerance float64
		fine      bool
	}{{0, 0, true}, {0.01, 0, false}, {0.01, 0.02, true}, {0.03, 0.02, false}} {
		write(c.offset, c.tolerance)
		if _, err := Score(t.Context(), nets, data, new(atomic.Int64)); (err == nil) != c.fine {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestWriteKeepsOtherFolders(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (&Built{}).Write(dir); err == nil || !strings.Contains(err.Error(), "choose another folder") {
		t.Fatal(err)
	}
}
