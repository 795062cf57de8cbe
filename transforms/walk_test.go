package transforms

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

const colours = "../testdata/colours" // a pack of nets small enough to reason about

// netsOf opens the pack with its own settings, modified.
func netsOf(t testing.TB, global bool, change func(*policy.Settings)) *nets {
	t.Helper()
	pack, err := models.OpenPack(colours)
	if err != nil {
		t.Fatal(err)
	}
	m := Model{PackDir: colours, Policy: pack.Policy, Global: global, Secret: "5ec4e7"}
	change(&m.Policy)
	n, err := m.load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func walkOf(n *nets, w *Watch) *walk { return newWalk(n, w) }

// one is run for one stream.
func (w *walk) one(st *policy.State, frames []schemas.Frame) (schemas.Outcomes, schemas.MissedRun) {
	return w.run([]strand{{st: st, frames: frames}})
}

// pixel is a frame of one colour.
func pixel(offset int64, r, g, b byte) schemas.Frame {
	return schemas.Frame{Stream: "cam", Topic: "frames", Offset: offset, ContentType: schemas.RGB8, Width: 1, Height: 1, Image: []byte{r, g, b}}
}

// kinds are packs and policies that differ in who is asked, and when.
func kinds(t *testing.T) map[string]*nets {
	return map[string]*nets{
		"specialists, selector teaches":   netsOf(t, false, func(*policy.Settings) {}),
		"specialists, full model teaches": netsOf(t, false, func(s *policy.Settings) { s.Teacher = policy.Inline }),
		"one small net":                   netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Inline }),
		"two cached, both tried": netsOf(t, false, func(s *policy.Settings) {
			s.Teacher, s.Capacity, s.Tries = policy.Inline, 2, 2
		}),
		"many audits, selector teaches": netsOf(t, false, func(s *policy.Settings) { s.AuditRate = 0.3 }),
		"many audits, full model teaches": netsOf(t, false, func(s *policy.Settings) {
			s.Teacher, s.Capacity, s.AuditRate, s.MaxFalseHits = policy.Inline, 2, 0.3, 0.1
		}),
		"everything to the full model":       netsOf(t, false, func(s *policy.Settings) { s.Kind = policy.Full }),
		"everything to the full model, here": netsOf(t, false, func(s *policy.Settings) { s.Kind, s.Teacher = policy.Full, policy.Inline }),
	}
}

// drawFrames draws frames of one stream, some of which no net can answer.
func drawFrames(t *rapid.T, stream string, most int) []schemas.Frame {
	frames := make([]schemas.Frame, rapid.IntRange(1, most).Draw(t, "frames"))
	colour := rapid.SliceOfN(rapid.Byte(), 3, 3)
	for i := range frames {
		c := colour.Draw(t, "colour")
		frames[i] = pixel(int64(i), c[0], c[1], c[2])
		frames[i].Stream = stream
		switch rapid.IntRange(0, 20).Draw(t, "kind") {
		case 0:
			frames[i].Fault = "no frame"
		case 1:
			frames[i].Image = frames[i].Image[:2]
		}
	}
	return frames
}

// result is what became of a stream's frames.
type result struct {
	Rows   []schemas.Outcome
	Missed []schemas.Missed
	State  policy.State
}

// alone takes the frames of one stream through the policy one by one.
func alone(n *nets, frames []schemas.Frame) (r result) {
	w := walkOf(n, nil)
	for i := range frames {
		done, missed := w.one(&r.State, frames[i:i+1])
		r.Rows, r.Missed = append(r.Rows, done.Rows...), append(r.Missed, missed.Frames...)
	}
	return r
}

// sameResult compares all but the times that nets took.
var sameResult = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApprox(0, 1e-5), cmpopts.IgnoreUnexported(policy.State{}),
	cmpopts.IgnoreFields(schemas.Outcome{}, "SpecialistUs", "SelectorUs", "FullUs")}

// A frame's row, and what the stream learns from it, do not depend on how many frames share its run.
func TestRunsDecideAsFramesOneByOne(t *testing.T) {
	for name, n := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				frames := drawFrames(t, "cam", 60)
				var got result
				done, missed := walkOf(n, nil).one(&got.State, frames)
				got.Rows, got.Missed = done.Rows, missed.Frames
				if diff := cmp.Diff(alone(n, frames), got, sameResult); diff != "" {
					t.Fatalf("one by one and together: %s", diff)
				}
			})
		})
	}
}

// Nor do they depend on the frames of other streams that arrive between its stream's own.
func TestInterleavedStreamsDecideAsEachAlone(t *testing.T) {
	all := kinds(t)
	for _, name := range []string{"specialists, selector teaches", "one small net", "many audits, full model teaches", "everything to the full model, here"} {
		n := all[name]
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				streams, most := rapid.IntRange(1, 5).Draw(t, "streams"), 8
				if name == "one small net" {
					streams, most = openStrands+streams, 2
				}
				rest, got := make([][]schemas.Frame, streams), make([]result, streams)
				want := make([]result, streams)
				for i := range streams {
					rest[i] = drawFrames(t, fmt.Sprint(i), most)
					want[i] = alone(n, rest[i])
				}
				w := walkOf(n, nil)
				take := func(rows []schemas.Outcome) {
					for _, r := range rows {
						i, _ := strconv.Atoi(r.Stream)
						got[i].Rows = append(got[i].Rows, r)
					}
				}
				if rapid.Bool().Draw(t, "early") {
					w.early = take
				}
				for left := 1; left > 0; {
					left = 0
					bundle := rapid.IntRange(1, 5).Draw(t, "bundle")
					var strands []strand
					for i := range rest {
						k := min(bundle, len(rest[i]))
						if k > 0 {
							strands = append(strands, strand{stream: fmt.Sprint(i), st: &got[i].State, frames: rest[i][:k]})
						}
						rest[i] = rest[i][k:]
						left = max(left, len(rest[i]))
					}
					done, missed := w.run(strands)
					take(done.Rows)
					for _, m := range missed.Frames {
						i, _ := strconv.Atoi(m.Outcome.Stream)
						got[i].Missed = append(got[i].Missed, m)
					}
				}
				if diff := cmp.Diff(want, got, sameResult); diff != "" {
					t.Fatalf("each alone and interleaved: %s", diff)
				}
			})
		})
	}
}

// Hits of other streams, and those before it of its own, do not wait for a frame that the full model has to answer.
func TestHitsDoNotWaitForTheFullModel(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Inline })
	w := walkOf(n, nil)
	states := make([]policy.State, leastEarly+1)
	var strands []strand
	for i := range states {
		frames := []schemas.Frame{pixel(0, 250, 5, 5), pixel(1, 250, 5, 5)}
		w.one(&states[i], frames) // the window is on red
		strands = append(strands, strand{st: &states[i], frames: []schemas.Frame{pixel(2, 250, 5, 5)}})
	}
	last := &strands[leastEarly]
	last.frames = []schemas.Frame{pixel(2, 250, 5, 5), pixel(3, 120, 125, 120), pixel(4, 250, 5, 5)}
	var early []schemas.Outcome
	w.early = func(rows []schemas.Outcome) {
		if w.full.frames > 0 {
			t.Error("handed over after the full model was asked")
		}
		early = append(early, rows...)
	}
	done, _ := w.run(strands)
	var kinds []string
	for _, r := range early {
		kinds = append(kinds, r.Outcome)
	}
	if diff := cmp.Diff(slices.Repeat([]string{schemas.Hit}, leastEarly+1), kinds); diff != "" {
		t.Errorf("before the full model was asked: %s", diff)
	}
	if len(done.Rows) != 2 || done.Rows[0].Outcome != schemas.Miss || done.Rows[1].Offset != 4 {
		t.Errorf("after it: %+v", done.Rows)
	}
}

// The fewer streams, the more frames of each share a step; small nets are still called with as many as fill a call.
func TestStepsAreAsLongAsTheirStreamsAllow(t *testing.T) {
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Inline })
	frames := make([]schemas.Frame, 2*stepFrames)
	for i := range frames {
		frames[i] = pixel(int64(i), 250, 5, 5)
	}
	for streams, want := range map[int]int{1: stepFrames, 8: stepFrames / 8, 32: stepFrames / 32} {
		states := make([]policy.State, streams)
		var strands []strand
		for i := range states {
			strands = append(strands, strand{st: &states[i], frames: frames[:2*want]})
		}
		w := walkOf(n, nil)
		done, _ := w.run(strands)
		if each := len(w.looks) / streams; each != want || len(done.Rows) != 2*streams*want {
			t.Errorf("%d streams: a step of %d frames each, %d rows, want steps of %d", streams, each, len(done.Rows), want)
		}
	}
	w := walkOf(n, nil)
	w.limit, w.open = models.MaxBatch, make([]*strand, 4)
	if got := w.share(picture.View{Width: 1024, Height: 1024}); got != models.MaxBatch {
		t.Errorf("large pictures: steps of %d frames, want %d", got, models.MaxBatch)
	}
}

// If a process may have crashed on a frame of the run, each of its frames is answered alone.
func TestARunWithASuspectIsAnsweredFrameByFrame(t *testing.T) {
	job := session.Open("suspects", 0)
	defer job.Close()
	suspect := Place{Partition: 0, Offset: 3}
	if err := OpenWatch(job, filepath.Join(t.TempDir(), "watch"), []Place{suspect}); err != nil {
		t.Fatal(err)
	}
	_, _, w, err := attached(job.ID())
	if err != nil {
		t.Fatal(err)
	}
	frames := make([]schemas.Frame, 8)
	for i := range frames {
		frames[i] = pixel(int64(i), 250, 5, 5)
	}
	walked := walkOf(netsOf(t, true, func(s *policy.Settings) { s.Teacher = policy.Inline }), w)
	done, _ := walked.one(&policy.State{}, frames)
	if len(done.Rows) != len(frames) || len(walked.places) != 1 || len(walked.looks) != 1 {
		t.Errorf("%d rows; the last step processed %d frames, want 1", len(done.Rows), len(walked.looks))
	}
	done, _ = walked.one(&policy.State{}, frames[4:])
	if len(done.Rows) != 4 || len(walked.looks) != 4 {
		t.Errorf("without the suspect a step processed %d frames, want 4", len(walked.looks))
	}
}

// A state from another pack, or a damaged one, names specialists that do not exist.
func TestAStateThatDoesNotFitIsReset(t *testing.T) {
	n := netsOf(t, false, func(s *policy.Settings) { s.Teacher = policy.Inline })
	st := &policy.State{Cached: []int{7}, Window: make([]float32, 4), Slow: make([]float32, 4)}
	done, _ := walkOf(n, nil).one(st, []schemas.Frame{pixel(0, 250, 5, 5)})
	if len(done.Rows) != 1 || done.Rows[0].Label != "red" {
		t.Errorf("%+v", done.Rows)
	}
}

// A row has the size of its frame's value, also if that was too large to be read.
func TestARowHasTheSizeOfItsFrame(t *testing.T) {
	large := pixel(1, 0, 0, 0)
	large.Image, large.Omitted, large.Fault = nil, 20<<20, "value of 20971520 bytes exceeds the limit of 8388608"
	for name, kind := range map[string]string{"Lookup": policy.Window, "FullModel": policy.Full} {
		n := netsOf(t, false, func(s *policy.Settings) { s.Kind = kind })
		done, missed := walkOf(n, nil).one(&policy.State{}, []schemas.Frame{pixel(0, 250, 5, 5), large})
		sizes := map[int64]int32{}
		for _, r := range slices.Concat(done.Rows, n.answerBatch(missed.Frames, new(session.Session), &asker{net: n.fullNet(new(session.Session))}).Rows) {
			sizes[r.Offset] = r.FrameBytes
		}
		if diff := cmp.Diff(map[int64]int32{0: 3, 1: 20 << 20}, sizes); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// One frame that cannot be decoded costs one row, in the full-model transform too.
func TestFullModelBatchesSurviveABadFrame(t *testing.T) {
	n := netsOf(t, false, func(s *policy.Settings) { s.Kind = policy.Full })
	frames := []schemas.Frame{pixel(0, 250, 5, 5), pixel(1, 1, 1, 1), pixel(2, 5, 5, 250)}
	frames[1].Image = nil
	_, missed := walkOf(n, nil).one(&policy.State{}, frames)
	missed.Frames[2].Outcome.Outcome, missed.Frames[2].Outcome.Label = schemas.Hit, "green" // an audited hit
	missed.Frames = append(missed.Frames, missed.Frames[2])
	missed.Frames[3].Frame.Image = nil
	done := n.answerBatch(missed.Frames, new(session.Session), &asker{net: n.fullNet(new(session.Session))})
	got := make([]string, 0, 3)
	for _, r := range done.Rows {
		got = append(got, r.Outcome+" "+r.Label+r.Stage+r.AuditLabel)
	}
	if diff := cmp.Diff([]string{"miss red", "error decode", "hit greenblue", "hit green"}, got); diff != "" {
		t.Error(diff)
	}
	emitAt(&done, time.Now())
	if done.Rows[0].LatencyUs <= 0 {
		t.Error("a row without its latency")
	}
}

func BenchmarkInterleaved(b *testing.B) {
	w := walkOf(netsOf(b, true, func(s *policy.Settings) { s.Teacher = policy.Inline }), nil)
	frames, states := make([]schemas.Frame, 32), make([]policy.State, 32)
	strands := make([]strand, len(frames))
	for i := range frames {
		frames[i] = pixel(int64(i), 250, 5, 5)
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range strands {
			strands[i] = strand{st: &states[i], frames: frames[i : i+1]}
		}
		w.run(strands)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(frames)), "ns/frame")
}

func BenchmarkWalk(b *testing.B) {
	w := walkOf(netsOf(b, true, func(s *policy.Settings) { s.Teacher = policy.Inline }), nil)
	frames := make([]schemas.Frame, 64)
	for i := range frames {
		frames[i] = pixel(int64(i), 250, 5, 5)
	}
	var st policy.State
	b.ReportAllocs()
	for b.Loop() {
		w.one(&st, frames)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(frames)), "ns/frame")
}
