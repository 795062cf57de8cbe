package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

// sequence is the frames of one object, encoded.
type sequence struct {
	class  int
	frames []*schemas.Frame
	tune   bool
}

// loaded holds the nets of all contenders.
type loaded struct {
	full, small, selector *models.Net
	paper                 []*models.Net
	entries               map[*models.Net]models.NetEntry
	dirs                  map[*models.Net]string
}

// forms lists the upload forms besides the frame as it is: JPEG at the nets' input size, and its bare pixels.
var forms = []struct {
	name    string
	quality int // 0: raw pixels
}{{"pixels", 0}, {"small q90", 90}, {"small q60", 60}}

func (l *loaded) all() []*models.Net {
	return append([]*models.Net{l.full, l.small, l.selector}, l.paper...)
}

// open loads the nets of a pack, or of a folder that training wrote.
func open(dir string) (*evaluation.Nets, *loaded, error) {
	nets, err := evaluation.ReadNets(dir)
	if err != nil {
		return nil, nil, err
	}
	l := &loaded{entries: map[*models.Net]models.NetEntry{}, dirs: map[*models.Net]string{}}
	for _, e := range nets.All {
		pack := models.Pack{Manifest: models.Manifest{Classes: nets.Classes, Input: nets.Input}, Dir: e.Dir}
		net, err := pack.Load(e.NetEntry)
		if err != nil {
			return nil, nil, err
		}
		l.entries[net], l.dirs[net] = e.NetEntry, e.Dir
		switch {
		case e.Role == "full":
			l.full = net
		case e.Role == "selector":
			l.selector = net
		case e.Role == "small" && l.small == nil:
			l.small = net
		case e.Role == "specialist" && e.Other:
			l.paper = append(l.paper, net)
		}
	}
	if l.small == nil || l.selector == nil {
		return nil, nil, fmt.Errorf("%s: a small net of all classes and a selector are needed", dir)
	}
	return nets, l, nil
}

// measure runs every net on every frame and form, then times them.
func measure(name string, nets *evaluation.Nets, l *loaded, all []sequence) (*facts, error) {
	f := &facts{Name: name, Classes: len(nets.Classes)}
	var shots []*schemas.Frame
	for _, s := range all {
		t := evaluation.Track{Class: s.class, First: len(f.Labels), Frames: len(s.frames)}
		if s.tune {
			f.Tune = append(f.Tune, t)
		} else {
			f.Report = append(f.Report, t)
		}
		for _, frame := range s.frames {
			f.Labels, shots = append(f.Labels, s.class), append(shots, frame)
		}
	}
	if err := score(f, l, shots); err != nil {
		return nil, err
	}
	return f, timeAll(f, l, shots)
}

// scored holds the outputs for one frame.
type scored struct {
	nets  [][]float32 // of each net, on the frame as it is
	forms [][]float32 // the full model's, on the other forms
	bytes []int32
}

func score(f *facts, l *loaded, shots []*schemas.Frame) error {
	got := make([]scored, len(shots))
	var g errgroup.Group
	const chunk = 64
	g.SetLimit(runtime.NumCPU())
	for from := 0; from < len(shots); from += chunk {
		g.Go(func() error {
			var shown models.Picture
			for i := from; i < min(from+chunk, len(shots)); i++ {
				one, err := look(l, &shown, shots[i])
				if err != nil {
					return fmt.Errorf("frame %d: %w", i, err)
				}
				got[i] = one
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	columns := make([][]int16, len(l.all()))
	f.Forms = make([]formFacts, 1+len(forms))
	f.Forms[0].Name = "as it is"
	for _, s := range got {
		for n, logits := range s.nets {
			columns[n] = append(columns[n], quantise(logits)...)
		}
		f.Forms[0].Bytes = append(f.Forms[0].Bytes, s.bytes[0])
		for k := range forms {
			form := &f.Forms[k+1]
			form.Name = forms[k].name
			form.Bytes = append(form.Bytes, s.bytes[k+1])
			form.Full = append(form.Full, quantise(s.forms[k])...)
		}
	}
	f.Forms[0].Full = columns[0]
	for n, net := range l.all() {
		e := l.entries[net]
		facts := netFacts{Classes: e.Classes, Other: e.Other, Outputs: net.Outputs(), Logits: columns[n], Temperature: 1}
		if info, err := os.Stat(filepath.Join(l.dirs[net], filepath.FromSlash(e.File))); err == nil {
			facts.FileBytes = int(info.Size())
		}
		switch net {
		case l.full:
			f.Full = facts
		case l.small:
			f.Small = facts
		case l.selector:
			f.Selector = facts
		default:
			f.Paper = append(f.Paper, facts)
		}
	}
	return nil
}

func look(l *loaded, shown *models.Picture, frame *schemas.Frame) (scored, error) {
	s := scored{bytes: []int32{int32(len(frame.Image))}}
	shown.Show(frame)
	for _, net := range l.all() {
		pixels, err := shown.Pixels(net.View())
		if err != nil {
			return s, err
		}
		logits, err := net.Run(pixels, 1)
		if err != nil {
			return s, err
		}
		s.nets = append(s.nets, slices.Clone(logits))
	}
	pixels, err := shown.Pixels(l.small.View())
	if err != nil {
		return s, err
	}
	for _, form := range forms {
		sent := reform(pixels, l.small.View(), form.quality)
		again, err := decode(sent, l.full.View())
		if err != nil {
			return s, err
		}
		logits, err := l.full.Run(again, 1)
		if err != nil {
			return s, err
		}
		s.forms, s.bytes = append(s.forms, slices.Clone(logits)), append(s.bytes, int32(len(sent.Image)))
	}
	return s, nil
}

// reform encodes a net's input for sending.
func reform(pixels []byte, v picture.View, quality int) *schemas.Frame {
	if quality == 0 {
		return &schemas.Frame{Image: slices.Clone(pixels), ContentType: schemas.RGB8, Width: int32(v.Width), Height: int32(v.Height)}
	}
	m := image.NewRGBA(image.Rect(0, 0, v.Width, v.Height))
	for i := range v.Width * v.Height {
		copy(m.Pix[4*i:], pixels[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}) // a buffer takes everything
	return &schemas.Frame{Image: b.Bytes(), ContentType: schemas.JPEG}
}

func decode(f *schemas.Frame, v picture.View) ([]byte, error) {
	dst := make([]byte, v.Bytes())
	return dst, picture.Decode(dst, f, v)
}

// timingRounds is how often each call is timed; the fastest counts, since the machine is shared.
const timingRounds = 60

// quickest returns the time of the fastest call in µs.
func quickest(run func(i int) error) (float64, error) {
	times := make([]float64, timingRounds)
	for i := range times {
		start := time.Now()
		if err := run(i); err != nil {
			return 0, err
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / 1000
	}
	slices.Sort(times)
	return times[0], nil
}

func timeAll(f *facts, l *loaded, shots []*schemas.Frame) error {
	view := l.small.View()
	pixels, err := decode(shots[0], view)
	if err != nil {
		return err
	}
	batch := bytes.Repeat(pixels, 16)
	for net, to := range map[*models.Net]*netFacts{l.full: &f.Full, l.small: &f.Small, l.selector: &f.Selector} {
		if to.Us, err = quickest(func(int) error { _, err := net.Run(pixels, 1); return err }); err != nil {
			return err
		}
		if to.Us16, err = quickest(func(int) error { _, err := net.Run(batch, 16); return err }); err != nil {
			return err
		}
	}
	for i, net := range l.paper {
		if f.Paper[i].Us, err = quickest(func(int) error { _, err := net.Run(pixels, 1); return err }); err != nil {
			return err
		}
	}
	step := max(1, len(shots)/timingRounds)
	if f.DecodeUs, err = quickest(func(i int) error { return picture.Decode(pixels, shots[i*step%len(shots)], view) }); err != nil {
		return err
	}
	f.Forms[0].DecodeUs = f.DecodeUs
	for k, form := range forms {
		to := &f.Forms[k+1]
		if to.EncodeUs, err = quickest(func(int) error { reform(pixels, view, form.quality); return nil }); err != nil {
			return err
		}
		sent := reform(pixels, view, form.quality)
		if to.DecodeUs, err = quickest(func(int) error { return picture.Decode(pixels, sent, view) }); err != nil {
			return err
		}
	}
	return nil
}
