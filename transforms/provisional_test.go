package transforms

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// early is misses with the answers that the small net gave.
func early(t *testing.T) (*nets, []schemas.Missed) {
	t.Helper()
	n := netsOf(t, true, func(s *policy.Settings) { s.Teacher, s.Score, s.Threshold = policy.Selector, policy.Confidence, 2 })
	n.provisional = true
	_, pending := walkOf(n, nil).one(&policy.State{}, []schemas.Frame{pixel(0, 250, 5, 5), pixel(1, 5, 250, 5)})
	return n, pending.Frames
}

func TestAMissHasAnAnswerForTheTimeBeing(t *testing.T) {
	n, misses := early(t)
	if len(misses) != 2 {
		t.Fatalf("%d misses", len(misses))
	}
	for _, m := range misses {
		if o := m.Outcome; !o.Provisional || o.Degraded || o.Label == "" || o.Model == models.FullNet || o.ModelSHA256 == "" || o.ModelSHA256 != n.sha[o.Model] {
			t.Errorf("%+v", o)
		}
	}
	for i, o := range n.answerBatch(misses, new(session.Session), &asker{net: n.fullNet(new(session.Session))}).Rows {
		if want := []string{"red", "green"}[i]; o.Label != want || o.Model != models.FullNet || !o.Provisional || o.Degraded {
			t.Errorf("settled: %+v, want %s of the full model", o, want)
		}
	}
}

// With the full model away the small net's answer stands; a frame without one has an error row. None is lost, and none waits
// but the first batch.
func TestProvisionalAnswersStandWhileTheFullModelIsAway(t *testing.T) {
	n, misses := early(t)
	bare := misses[1]
	bare.Outcome = n.blank(&bare.Frame) // neither the small net nor the selector was asked about it
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		full := &asker{limit: 3 * time.Second, net: func([]byte, int) ([]float32, time.Duration, error) {
			<-back
			return nil, 0, errAway
		}}
		begun := time.Now()
		for range 20 {
			rows := n.answerBatch([]schemas.Missed{misses[0], bare}, new(session.Session), full).Rows
			if o := rows[0]; o.Outcome != schemas.Miss || !o.Degraded || o.Label != misses[0].Outcome.Label || o.Model != misses[0].Outcome.Model || o.Error == "" {
				t.Fatalf("%+v", o)
			}
			if o := rows[1]; o.Outcome != schemas.Error || o.Stage != schemas.StageFull {
				t.Fatalf("%+v", o)
			}
		}
		if waited := time.Since(begun); waited != 3*time.Second {
			t.Errorf("20 batches waited %v, want 3s", waited)
		}
		close(back)
	})
}

// Of two answers the surer one is sent; "other" is none.
func TestTheSurerOfTwoAnswersIsProvisional(t *testing.T) {
	n, misses := early(t)
	small, selector := policy.Answer{Class: 0, Confidence: 0.5}, policy.Answer{Class: 1, Confidence: 0.4}
	for _, c := range []struct {
		small, selector policy.Answer
		want            int
	}{
		{small, selector, 0},
		{small, policy.Answer{Class: 1, Confidence: 0.6}, 1},
		{policy.Answer{Class: -1, Confidence: 0.9}, selector, 1},
		{policy.Answer{Class: -1, Confidence: 0.9}, policy.Answer{}, -1},
		{small, policy.Answer{}, 0},
	} {
		out := n.blank(&misses[0].Frame)
		n.provide(&out, policy.Decision{Asked: true, Small: c.small, Selected: c.selector})
		if want := append(n.pack.Classes, "")[(c.want+len(n.pack.Classes)+1)%(len(n.pack.Classes)+1)]; out.Label != want || out.Provisional != (want != "") {
			t.Errorf("%+v, %+v: %q, want %q", c.small, c.selector, out.Label, want)
		}
	}
}
