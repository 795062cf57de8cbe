package evaluation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Sequence is one recording of an object: image files (JPEG or PNG) in the order they were taken.
type Sequence struct {
	Class string
	Files []string
}

// scoreBatch is how many frames a net gets at once while scoring; the timing is done apart.
const scoreBatch = 16

// Score decodes every image once and runs every net on it, then measures what each net costs. Images
// that do not decode and classes that the nets do not know are left out with a warning that names them.
// done counts frames as they are finished.
func Score(ctx context.Context, nets *Nets, data []Sequence, done *atomic.Int64) (*Table, error) {
	loaded, closeAll, err := nets.loadAll()
	defer closeAll()
	if err != nil {
		return nil, err
	}
	s := scorer{nets: nets, loaded: loaded, done: done}
	t, err := s.table(ctx, labelled(nets.Classes, data))
	if err != nil {
		return nil, err
	}
	return t, t.price(ctx, loaded)
}

// loadAll makes the nets ready to run, and returns what closes them, also after an error.
func (n *Nets) loadAll() (loaded []*models.Net, closeAll func(), err error) {
	closeAll = func() {
		for _, n := range loaded {
			_ = n.Close() // of no use to anyone once the scores are there
		}
	}
	for i, e := range n.All {
		net, err := n.load(e)
		if err != nil {
			return loaded, closeAll, err
		}
		loaded = append(loaded, net)
		if err := e.checkVectors(net); err != nil {
			return loaded, closeAll, err
		}
		if n.All[i].Int8, err = e.quantised(); err != nil {
			return loaded, closeAll, err
		}
	}
	return loaded, closeAll, nil
}

// shot is one frame to score.
type shot struct {
	file            string         // empty: frame
	frame           *schemas.Frame // nil: file
	class, sequence int
}

// labelled flattens the sequences whose class the nets know, by its name or by that of the folder it was put into.
func labelled(classes []string, data []Sequence) []shot {
	var all []shot
	unknown := map[string]bool{}
	known := labelOf(classes)
	for i, s := range data {
		class, ok := known[s.Class]
		if !ok {
			if !unknown[s.Class] {
				slog.Warn("class skipped: the nets do not know it", "class", s.Class)
			}
			unknown[s.Class] = true
			continue
		}
		for _, f := range s.Files {
			all = append(all, shot{file: f, class: class, sequence: i})
		}
	}
	return all
}

type scorer struct {
	nets   *Nets
	loaded []*models.Net
	done   *atomic.Int64
}

// part is what one batch of images became.
type part struct {
	kept   []shot
	sample *schemas.Frame // the last of them
	looks  []policy.Glance
	logits [][]float32 // of each net
}

func (s *scorer) table(ctx context.Context, all []shot) (*Table, error) {
	batches := slices.Collect(slices.Chunk(all, scoreBatch))
	parts := make([]part, len(batches))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, b := range batches {
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			parts[i], err = s.part(b)
			s.done.Add(int64(len(b)))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return s.join(parts)
}

// part decodes and scores one batch: each image once for each view that nets have of it.
func (s *scorer) part(batch []shot) (part, error) {
	var p part
	var picture models.Picture
	pixels := make([][]byte, len(s.loaded)) // of each net
	for _, im := range batch {
		frame, err := im.frame, error(nil)
		if frame == nil {
			frame, err = read(im.file)
		}
		if err == nil {
			picture.Show(frame)
			err = s.look(&picture, pixels)
		}
		if err != nil {
			if im.frame == nil { // frames of a topic are counted
				slog.Warn("image skipped", "file", im.file, "error", err)
			}
			continue
		}
		p.kept, p.sample, p.looks = append(p.kept, im), frame, append(p.looks, models.Glance(frame))
	}
	if len(p.kept) == 0 {
		return p, nil
	}
	for i, n := range s.loaded {
		logits, err := n.Run(pixels[i], len(p.kept))
		if err != nil {
			return p, fmt.Errorf("%s: %w", s.nets.All[i].File, err)
		}
		p.logits = append(p.logits, logits)
	}
	return p, nil
}

// look appends the picture's pixels for every net, or for none.
func (s *scorer) look(picture *models.Picture, pixels [][]byte) error {
	for _, n := range s.loaded {
		if _, err := picture.Pixels(n.View()); err != nil {
			return err
		}
	}
	for i, n := range s.loaded {
		view, _ := picture.Pixels(n.View()) // decoded above
		pixels[i] = append(pixels[i], view...)
	}
	return nil
}

// read takes an image for what it is, not for what its name says.
func read(file string) (*schemas.Frame, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return &schemas.Frame{Image: b, ContentType: http.DetectContentType(b)}, nil
}

// join puts the batches together in the order of the data.
func (s *scorer) join(parts []part) (*Table, error) {
	t := &Table{classes: s.nets.Classes, nets: make([]column, len(s.nets.All))}
	for i, e := range s.nets.All {
		t.nets[i].Net, t.nets[i].outputs = e, e.Outputs(len(t.classes))
	}
	frames := 0
	for _, p := range parts {
		frames += len(p.kept)
	}
	for i := range t.nets { // of a thousand classes they are most of the memory: no growing, and parts go as they are joined
		t.nets[i].logits = make([]float32, 0, frames*t.nets[i].outputs)
	}
	last := -1
	for at, p := range parts {
		parts[at] = part{}
		for _, im := range p.kept {
			if im.sequence != last {
				t.tracks = append(t.tracks, track{class: im.class, first: len(t.labels)})
				last = im.sequence
			}
			t.tracks[len(t.tracks)-1].frames++
			t.labels = append(t.labels, im.class)
		}
		if p.sample != nil && len(t.samples) < timingFrames {
			t.samples = append(t.samples, p.sample)
		}
		t.glances = append(t.glances, p.looks...)
		for i, l := range p.logits {
			t.nets[i].logits = append(t.nets[i].logits, l...)
		}
	}
	if len(t.labels) == 0 {
		return nil, errors.New("score: no image of a class that the nets know can be read: check the data folder")
	}
	t.finish()
	return t, nil
}
