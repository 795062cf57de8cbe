package main

import (
	"errors"
	"slices"

	"github.com/cachenet/cachenet/bench/recording"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// loaded is a pack of one global small net, ready to answer.
type loaded struct {
	pack        *models.Pack
	policy      *policy.Policy
	small, full *models.Net
}

func load(pack *models.Pack) (*loaded, error) {
	if len(pack.Specialists) != 1 || pack.Specialists[0].Classes != nil || pack.Policy.Teacher != policy.Inline {
		return nil, errors.New("the loop supports packs of one global small net that call the full model inline")
	}
	if pack.Specialists[0].Input != nil || pack.Full.Input != nil {
		return nil, errors.New("the loop supports packs whose nets all have the pack's input")
	}
	l := &loaded{pack: pack, policy: pack.PolicyWith(pack.Policy)}
	var err error
	if l.small, err = pack.Load(pack.Specialists[0]); err != nil {
		return nil, err
	}
	l.full, err = pack.Load(pack.Full)
	return l, err
}

// worker answers the streams of one goroutine.
type worker struct {
	options
	nets    *loaded
	states  map[int]*policy.State
	run     []recording.Frame // that wait for their batch: of one stream, unless the full model answers all
	pixels  []byte            // of run
	answers []recording.Answer
}

func newWorker(l *loaded, o options) *worker {
	return &worker{options: o, nets: l, states: map[int]*policy.State{}}
}

// play answers the streams whose number is share modulo the goroutines, in the order of the recording.
func (w *worker) play(rec *recording.Recording, share int) error {
	for f := range rec.All(w.frames) {
		if f.Stream%w.goroutines != share {
			continue
		}
		if len(w.run) > 0 && !w.full && w.run[0].Stream != f.Stream {
			if err := w.flush(); err != nil {
				return err
			}
		}
		if err := w.add(f); err != nil {
			return err
		}
		if len(w.run) < w.batch {
			continue
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return w.flush()
}

// add decodes a frame to the end of those that wait.
func (w *worker) add(f recording.Frame) error {
	view := w.nets.pack.Input.View()
	at := len(w.pixels)
	w.run, w.pixels = append(w.run, f), slices.Grow(w.pixels, view.Bytes())[:at+view.Bytes()]
	return picture.Decode(w.pixels[at:], &schemas.Frame{ContentType: schemas.JPEG, Image: f.Image}, view)
}

// flush answers the frames that wait.
func (w *worker) flush() error {
	if len(w.run) == 0 {
		return nil
	}
	answer := w.decide
	if w.full {
		answer = w.ask
	}
	err := answer()
	w.run, w.pixels = w.run[:0], w.pixels[:0]
	return err
}

// ask has the full model answer all of the run.
func (w *worker) ask() error {
	logits, err := w.nets.full.Run(w.pixels, len(w.run))
	if err != nil {
		return err
	}
	classes := len(w.nets.pack.Classes)
	for i := range w.run {
		a, err := policy.Read(logits[i*classes:(i+1)*classes], w.nets.policy.FullTemperature)
		if err != nil {
			return err
		}
		w.answer(i, a.Class, false)
	}
	return nil
}

// decide calls the small net once for the run, and walks the policy through it in order.
func (w *worker) decide() error {
	logits, err := w.nets.small.Run(w.pixels, len(w.run))
	if err != nil {
		return err
	}
	stream := w.run[0].Stream
	state := w.states[stream]
	if state == nil {
		state = &policy.State{}
		w.states[stream] = state
	}
	classes, size := len(w.nets.pack.Classes), w.nets.pack.Input.Bytes()
	for i := range w.run {
		d, err := w.nets.policy.Decide(state, frame{w, logits[i*classes : (i+1)*classes], w.pixels[i*size : (i+1)*size]}, true)
		if err != nil {
			return err
		}
		w.answer(i, d.Class, d.Hit)
	}
	return nil
}

func (w *worker) answer(i, class int, hit bool) {
	w.answers = append(w.answers, recording.Answer{Stream: w.run[i].Stream, Sequence: w.run[i].Sequence, Class: class, Hit: hit})
}

// frame is the policy's view of the nets at one frame.
type frame struct {
	*worker
	logits []float32 // of the small net
	pixels []byte
}

func (f frame) Specialist(int) ([]float32, error) { return f.logits, nil }
func (f frame) Selector() ([]float32, error)      { return nil, errors.New("no selector") }
func (f frame) Full() ([]float32, error)          { return f.nets.full.Run(f.pixels, 1) }
