package pipelines

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// The full model is away until the last frame has its row: no frame is lost, each has one row and one settled record, and its
// provisional answer was sent at once.
func TestNothingWaitsForAFullModelThatIsAway(t *testing.T) {
	s := newSite(t, 2)
	s.fill(t, 6, 30)
	o := s.options(t)
	o.Full, o.Provisional, o.FullTimeout, o.OutcomesTopic = FullTransform, true, 50*time.Millisecond, s.topic+"-outcomes"
	var calls atomic.Int64
	away := make(chan struct{})
	defer close(away)
	o.Started = func(job *session.Session) {
		if err := transforms.AnswerMissesWith(job, func([]byte, int) ([]float32, time.Duration, error) {
			calls.Add(1)
			<-away
			return nil, 0, fmt.Errorf("gone")
		}); err != nil {
			t.Error(err)
		}
	}
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	degraded := map[string]bool{}
	for _, r := range s.rows(t, o.Out) {
		if r.Outcome == schemas.Miss {
			if !r.Provisional || !r.Degraded || r.Label == "" || r.Model == "full" {
				t.Fatalf("%+v", r)
			}
			degraded[fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)] = true
		}
	}
	if len(degraded) == 0 || calls.Load() == 0 {
		t.Fatalf("%d degraded rows, %d calls: the test shows nothing", len(degraded), calls.Load())
	}
	settled, early := 0, map[string]bool{}
	for _, m := range s.records(t, o.OutcomesTopic) {
		var r schemas.Outcome
		if err := json.Unmarshal(m.Value, &r); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
		if !r.Pending {
			settled++
			if degraded[id] && !early[id] {
				t.Errorf("%s: settled before its provisional answer", id)
			}
			continue
		}
		early[id] = true
		ce := ""
		for _, h := range m.Headers {
			if strings.EqualFold(h.Key, "ce_id") {
				ce = string(h.Value)
			}
		}
		if ce != id+"/provisional" || r.Label == "" {
			t.Errorf("ce_id %q of %+v", ce, r)
		}
	}
	if settled != s.sent || len(early) < len(degraded) {
		t.Errorf("%d settled records of %d frames, %d provisional ones of %d misses", settled, s.sent, len(early), len(degraded))
	}
}

func TestProvisionalNeedsWhatItDependsOn(t *testing.T) {
	for name, o := range map[string]Options{
		"no topic": {Topic: "t", Provisional: true},
		"flink":    {Topic: "t", Provisional: true, OutcomesTopic: "o", Runner: RunnerFlink},
	} {
		if err := o.Contradiction(); err == nil || !strings.HasPrefix(err.Error(), "--provisional") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var m transforms.Model
	m.Policy.Teacher = "full"
	if err := (Options{Provisional: true}).provisional(&m); err == nil {
		t.Error("with the full model inline there is nothing to wait for, and that is accepted")
	}
}
