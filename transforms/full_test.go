package transforms

import (
	"errors"
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

// answers runs misses through a FullModel as one bundle, one element each, and returns the rows of each batch.
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

// Misses share batches, each gets its own answer in order, and a frame that cannot be decoded costs no other.
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
	batches := answers(t, &fullFn{nets: n, session: new(session.Session)}, misses...)
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
	for _, b := range answers(t, &fullFn{nets: n, watch: w, session: new(session.Session)}, misses...) {
		sizes = append(sizes, len(b))
	}
	if diff := cmp.Diff([]int{2, 1, 2}, sizes); diff != "" {
		t.Error(diff)
	}
}

// Where the model fails as a whole, each frame of the batch is tried alone and gets a row that says why.
func TestAFullModelThatFailsMakesErrorRows(t *testing.T) {
	n := netsOf(t, false, func(*policy.Settings) {})
	broken := *n
	pack := *n.pack
	pack.Full.File = "nowhere.onnx"
	broken.pack, broken.sessions = &pack, models.NewSessions(&pack, 0)
	batches := answers(t, &fullFn{nets: &broken, session: new(session.Session)}, missed(n, pixel(0, 230, 10, 10)), missed(n, pixel(1, 10, 230, 10)))
	if len(batches) != 1 || len(batches[0]) != 2 {
		t.Fatalf("%v", batches)
	}
	for i, row := range batches[0] {
		if row.Offset != int64(i) || row.Outcome != schemas.Error || row.Stage != schemas.StageFull || !strings.Contains(row.Error, "nowhere.onnx") {
			t.Errorf("%+v", row)
		}
	}
}

// DoFns that are set up behind the end of their job are refused, whatever they do.
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

// A stream starts with the state that the memory was given, and the memory has what it ends with; both outlive the job.
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
	recalled, err := m.recall("cam")
	if err != nil || recalled.Newer(3, 41) || !recalled.Newer(3, 42) {
		t.Errorf("the state is another one: %+v, error %v", recalled, err)
	}
	if fresh, err := m.recall("new"); err != nil || !fresh.Newer(3, 0) {
		t.Errorf("a new stream starts with %+v, error %v", fresh, err)
	}
	if _, err := m.recall("damaged"); err == nil {
		t.Error("a damaged state was decoded")
	}
	m.keep("new", []byte("later"))
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]byte{"cam": encoded, "damaged": []byte("x"), "new": []byte("later")}, m.Streams()); diff != "" {
		t.Error(diff)
	}
	var none *Memory
	none.keep("cam", encoded)
	if st, err := none.recall("cam"); err != nil || !st.Newer(3, 0) {
		t.Errorf("without a memory: %+v, error %v", st, err)
	}
}
