package transforms

import (
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// chooser is a lookup of one stream whose device is of that mode.
func chooser(t *testing.T, mode offload.Mode) *lookupFn {
	t.Helper()
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher, s.Threshold = policy.Feedback, 1 })
	n.spares, n.shrinks = true, true
	job := session.Open("test", 0)
	t.Cleanup(func() { job.Close() })
	fn := &lookupFn{session: job, device: offload.NewDevice(mode, time.Second, time.Now()), walk: *newWalk(n, nil), place: map[string]int{"cam": 0}}
	fn.asker = &asker{net: n.fullNet(job)}
	fn.strands = []strand{{stream: "cam", st: &policy.State{}}}
	return fn
}

// painted is a frame of one colour, larger than the pixels that a net sees of it.
func painted(r, g, b byte) schemas.Frame {
	f := schemas.Frame{Stream: "cam", Topic: "frames", ContentType: schemas.RGB8, Width: 64, Height: 64}
	for range f.Width * f.Height {
		f.Image = append(f.Image, r, g, b)
	}
	return f
}

// misses takes one frame through the walk, which the small net must not settle, and through the choice.
func (fn *lookupFn) misses(t *testing.T, f schemas.Frame) (schemas.Outcomes, schemas.MissedRun) {
	t.Helper()
	fn.strands[0].frames = []schemas.Frame{f}
	done, pending := fn.walk.run(fn.strands)
	if len(pending.Frames) != 1 {
		t.Fatalf("not a miss: %+v", done)
	}
	fn.offload(&done, &pending)
	return done, pending
}

func TestWhatBecomesOfAMiss(t *testing.T) {
	for mode, want := range map[offload.Mode]string{offload.ModeHere: schemas.OffloadHere, offload.ModeAlone: schemas.OffloadAlone, offload.ModeAsk: schemas.OffloadInput} {
		fn := chooser(t, mode)
		done, pending := fn.misses(t, painted(250, 10, 10))
		if mode == offload.ModeAsk {
			if m := pending.Frames[0]; m.Outcome.Offload != want || m.Outcome.Label != "" || m.Patience != 0 {
				t.Errorf("%+v", m.Outcome)
			}
			continue
		}
		if len(pending.Frames) != 0 || len(done.Rows) != 1 {
			t.Fatalf("%s: %+v, %+v", mode, done, pending)
		}
		r := done.Rows[0]
		if r.Offload != want || r.Label == "" || r.Outcome != schemas.Miss || r.Degraded != (mode == offload.ModeAlone) || (r.FullUs > 0) != (mode == offload.ModeHere) {
			t.Errorf("%s: %+v", mode, r)
		}
		if learnt := fn.strands[0].st.Window != nil && fn.strands[0].st.Window[fn.walk.nets.classes[r.Label]] > 0.3; learnt != (mode == offload.ModeHere) {
			t.Errorf("%s: the stream learnt: %v", mode, learnt)
		}
	}
}

// What the server sees of a frame that was sent as its input is what it would have seen of the whole one.
func TestAFrameIsSentAsTheFullModelSeesIt(t *testing.T) {
	fn := chooser(t, offload.ModeAsk)
	n, f := fn.walk.nets, painted(250, 10, 10)
	f.Image[3*64*30+7] = 99
	_, pending := fn.misses(t, f)
	small, view := &pending.Frames[0].Frame, n.see(n.pack.Full)
	if small.Form != schemas.FormInput || len(small.Image) != view.Bytes() || small.Offset != f.Offset || small.Stream != f.Stream {
		t.Fatalf("%+v", small)
	}
	whole, again := make([]byte, view.Bytes()), make([]byte, view.Bytes())
	for _, cropped := range []picture.View{view, {Width: view.Width, Height: view.Height, Resize: picture.Crop, CropRatio: 0.5}} {
		if err := picture.Decode(whole, &f, cropped); err != nil {
			t.Fatal(err)
		}
		small.Image = append(small.Image[:0], whole...)
		if err := picture.Decode(again, small, cropped); err != nil || string(whole) != string(again) {
			t.Errorf("%+v: other pixels (%v)", cropped, err)
		}
	}
	if n.answeredBy(&schemas.Outcome{ModelSHA256: n.sha["full"]}); n.otherServer.Load() {
		t.Error("the same full model is taken for another one")
	}
	n.answeredBy(&schemas.Outcome{ModelSHA256: "another"})
	if got := fn.walk.sent(&f); got.Form != "" || len(got.Image) != len(f.Image) {
		t.Errorf("another full model, whose input may be larger, gets %d bytes", len(got.Image))
	}
	tiny := pixel(1, 1, 2, 3)
	n.otherServer.Store(false)
	if got := fn.walk.sent(&tiny); got.Form != "" {
		t.Error("a frame is sent as more bytes than it has")
	}
}

// A server that takes long is not waited for: the full model here answers.
func TestALateServerIsHedged(t *testing.T) {
	fn := chooser(t, offload.ModeAuto)
	f := painted(250, 10, 10)
	row := schemas.Outcome{Stream: "cam", Outcome: schemas.Miss, Offload: schemas.OffloadInput}
	fn.strands[0].answers = []schemas.Answer{{Row: row, Full: schemas.Outcome{Outcome: schemas.Error, Error: "late"}, Frame: f}}
	rows := fn.learnAnswers()
	if len(rows) != 1 || rows[0].Offload != schemas.OffloadHedge || rows[0].Label != "red" || rows[0].Model != "full" || rows[0].FullUs <= 0 || rows[0].Error != "" {
		t.Errorf("%+v", rows)
	}
}
