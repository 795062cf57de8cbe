package transforms

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// missed is a miss of a frame.
func missed(n *nets, f schemas.Frame) schemas.Missed {
	return schemas.Missed{Outcome: n.blank(&f), Frame: f}
}

// answers passes misses through a FullModel as one bundle, one element each, and returns the rows of each batch.
func answers(t *testing.T, fn *fullFn, misses ...schemas.Missed) (batches [][]schemas.Outcome) {
	t.Helper()
	at := mtime.FromTime(time.Unix(1000, 0))
	emit := func(got beam.EventTime, o schemas.Outcomes) {
		if got != at {
			t.Errorf("emitted at %v, want the element's %v", got, at)
		}
		batches = append(batches, o.Rows)
	}
	fn.StartBundle(t.Context(), emit)
	for _, m := range misses {
		fn.ProcessElement(t.Context(), at, schemas.MissedRun{Frames: []schemas.Missed{m}}, emit)
	}
	fn.FinishBundle(t.Context(), emit)
	return batches
}

// Misses share batches, each gets its own answer in order, and a frame that cannot be decoded does not affect others.
func TestFullModelAnswersEachMissOnce(t *testing.T) {
	n := netsOf(t, false, func(*policy.Settings) {})
	colours := []schemas.Frame{pixel(0, 230, 10, 10), pixel(0, 10, 230, 10), pixel(0, 10, 10, 230)}
	names := []string{"red", "green", "blue"}
	var misses []schemas.Missed
	for i := range models.MaxBatch + 5 {
		f := colours[i%3]
		f.Offset = int64(i)
		if i == 4 {
			f.Image = f.Image[:2]
		}
		misses = append(misses, missed(n, f))
	}
	batches := answers(t, &fullFn{nets: n, session: new(session.Session), asker: &asker{net: n.fullNet(new(session.Session))}}, misses...)
	if len(batches) != 2 || len(batches[0]) != models.MaxBatch || len(batches[1]) != 5 {
		t.Fatalf("%d batches", len(batches))
	}
	for i, row := range append(batches[0], batches[1]...) {
		switch {
		case row.Offset != int64(i):
			t.Errorf("row %d is that of offset %d", i, row.Offset)
		case i == 4:
			if row.Outcome != schemas.Error || row.Stage != schemas.StageDecode || row.Error == "" {
				t.Errorf("the frame that cannot be decoded: %+v", row)
			}
		case row.Outcome != schemas.Miss || row.Label != names[i%3] || row.Model != models.FullNet || row.FullUs <= 0 || row.ModelSHA256 == "":
			t.Errorf("row %d: %+v; want a miss answered %s", i, row, names[i%3])
		}
	}
}

// A suspect is answered in a batch of its own.
func TestASuspectMissIsAnsweredAlone(t *testing.T) {
	n := netsOf(t, false, func(*policy.Settings) {})
	w, _ := openWatch(t, Place{0, 2})
	var misses []schemas.Missed
	for i := range int64(5) {
		misses = append(misses, missed(n, pixel(i, 230, 10, 10)))
	}
	var sizes []int
	for _, b := range answers(t, &fullFn{nets: n, watch: w, session: new(session.Session), asker: &asker{net: n.fullNet(new(session.Session))}}, misses...) {
		sizes = append(sizes, len(b))
	}
	if diff := cmp.Diff([]int{2, 1, 2}, sizes); diff != "" {
		t.Error(diff)
	}
}

// If the model fails on a batch, each frame is tried alone and gets a row with the reason.
func TestAFullModelThatFailsMakesErrorRows(t *testing.T) {
	n := netsOf(t, false, func(*policy.Settings) {})
	broken := *n
	pack := *n.pack
	pack.Full.File = "nowhere.onnx"
	broken.pack, broken.sessions = &pack, models.NewSessions(&pack, 0)
	batches := answers(t, &fullFn{nets: &broken, session: new(session.Session), asker: &asker{net: broken.fullNet(new(session.Session))}}, missed(n, pixel(0, 230, 10, 10)), missed(n, pixel(1, 10, 230, 10)))
	if len(batches) != 1 || len(batches[0]) != 2 {
		t.Fatalf("%v", batches)
	}
	for i, row := range batches[0] {
		if row.Offset != int64(i) || row.Outcome != schemas.Error || row.Stage != schemas.StageFull || !strings.Contains(row.Error, "nowhere.onnx") {
			t.Errorf("%+v", row)
		}
	}
}

// withNet returns the pack with one net's file replaced by one of testdata/models.
func withNet(t *testing.T, n *nets, file string, of func(*models.Pack) *models.NetEntry) *nets {
	t.Helper()
	b, err := os.ReadFile("../testdata/models/" + file)
	if err != nil {
		t.Fatal(err)
	}
	pack := *n.pack
	pack.Specialists = slices.Clone(pack.Specialists)
	e := of(&pack)
	e.File, e.SHA256 = "../models/"+file, fmt.Sprintf("%x", sha256.Sum256(b))
	changed := *n
	changed.pack, changed.sessions = &pack, models.NewSessions(&pack, 0)
	return &changed
}

func fullNet(p *models.Pack) *models.NetEntry { return &p.Full }

// A batch may fail though each of its frames can be answered: alone they are.
func TestABatchThatFailsWholeIsAnsweredFrameByFrame(t *testing.T) {
	n := withNet(t, netsOf(t, false, func(*policy.Settings) {}), "alone.onnx", fullNet)
	if _, _, err := n.sessions.Run(models.FullNet, n.pack.Full, make([]byte, 2*8*8*3), 2); err == nil {
		t.Fatal("the model takes two frames at once: this test shows nothing")
	}
	batches := answers(t, &fullFn{nets: n, session: new(session.Session), asker: &asker{net: n.fullNet(new(session.Session))}},
		missed(n, pixel(0, 230, 10, 10)), missed(n, pixel(1, 10, 230, 10)), missed(n, pixel(2, 10, 10, 230)))
	for i, want := range []string{"red", "green", "blue"} {
		if row := batches[0][i]; row.Outcome != schemas.Miss || row.Label != want || row.FullUs <= 0 {
			t.Errorf("%+v, want a miss answered %s", row, want)
		}
	}
}

// One frame that the model answers with NaN costs the others of its batch nothing.
func TestNaNCostsItsOwnFrameOnly(t *testing.T) {
	n := withNet(t, netsOf(t, false, func(*policy.Settings) {}), "nan.onnx", fullNet)
	batches := answers(t, &fullFn{nets: n, session: new(session.Session), asker: &asker{net: n.fullNet(new(session.Session))}},
		missed(n, pixel(0, 0, 0, 0)), missed(n, pixel(1, 10, 230, 10)), missed(n, pixel(2, 0, 0, 0)))
	for i, row := range batches[0] {
		if i == 1 && (row.Outcome != schemas.Error || row.Stage != schemas.StageFull || !strings.Contains(row.Error, "not a finite number")) {
			t.Errorf("the frame answered with NaN: %+v", row)
		}
		if i != 1 && (row.Outcome != schemas.Miss || row.Label != "dark") {
			t.Errorf("its neighbour: %+v", row)
		}
	}
}

// The same of a small net, which is asked about a run of frames in one call.
func TestASmallNetThatFailsOnARunIsAskedFrameByFrame(t *testing.T) {
	n := withNet(t, netsOf(t, true, func(s *policy.Settings) { s.Threshold, s.Score = 0.5, policy.Confidence }), "alone.onnx",
		func(p *models.Pack) *models.NetEntry { return &p.Specialists[0] })
	frames := []schemas.Frame{pixel(0, 230, 10, 10), pixel(1, 230, 10, 10), pixel(2, 230, 10, 10), pixel(3, 230, 10, 10)}
	done, pending := walkOf(n, nil).one(new(policy.State), frames)
	hits := 0
	for _, row := range done.Rows {
		if row.Outcome == schemas.Error || row.Label != "red" {
			t.Errorf("%+v", row)
		}
		if row.Outcome == schemas.Hit {
			hits++
		}
	}
	if len(done.Rows)+len(pending.Frames) != len(frames) || hits == 0 {
		t.Errorf("%d rows with %d hits, %d pending", len(done.Rows), hits, len(pending.Frames))
	}
}

// DoFns that are set up after the end of their job are refused.
func TestDoFnsOfAnEndedJobAreRefused(t *testing.T) {
	job := session.Open("job", 0)
	m := Model{PackDir: colours, Job: job.ID()}
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	for name, setup := range map[string]func() error{"Lookup": (&lookupFn{Model: m}).Setup, "FullModel": (&fullFn{Model: m}).Setup} {
		if err := setup(); !errors.Is(err, session.ErrClosed) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A stream starts with the state in the memory, which receives its final state; the memory outlives the job.
func TestMemoryCarriesStreamsOverJobs(t *testing.T) {
	st := policy.State{Window: []float32{0.5, 0.5}, Slow: []float32{0.5, 0.5}}
	if !st.Newer(3, 41) {
		t.Fatal("a first frame is not newer than none")
	}
	encoded, err := st.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	job := session.Open("job", 0)
	m, err := Remember(job, map[string][]byte{"cam": encoded, "damaged": []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, found, _, err := attached(job.ID()); found != m || err != nil {
		t.Errorf("attached %v, error %v", found, err)
	}
	recalled := new(policy.State)
	if err := m.recall("cam", recalled); err != nil || recalled.Newer(3, 41) || !recalled.Newer(3, 42) {
		t.Errorf("the state differs: %+v, error %v", recalled, err)
	}
	fresh := &policy.State{Offset: 7}
	if err := m.recall("new", fresh); err != nil || !fresh.Newer(3, 0) {
		t.Errorf("a new stream starts with %+v, error %v", fresh, err)
	}
	if err := m.recall("damaged", fresh); err == nil {
		t.Error("a damaged state was decoded")
	}
	if err := m.keep("new", &st); err != nil {
		t.Fatal(err)
	}
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]byte{"cam": encoded, "damaged": []byte("x"), "new": encoded}, m.Streams()); diff != "" {
		t.Error(diff)
	}
}
