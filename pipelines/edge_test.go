package pipelines

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// edge is a device with its frames, and the server that answers its misses, on brokers of their own.
type edge struct {
	*site
	server kafkaio.Cluster
	broker kafkatest.Broker // the server's
	out    string           // of the server
}

func newEdge(t *testing.T) *edge {
	t.Helper()
	b := kafkatest.Own(t)
	return &edge{site: newSite(t, 2), server: kafkaio.Cluster{Brokers: []string{b.Addr()}}, broker: b, out: t.TempDir()}
}

func (e *edge) options(t *testing.T) Options {
	o := e.site.options(t)
	o.Server = &Server{Cluster: e.server, Misses: DefaultMisses, Answers: DefaultAnswers, Device: "device-1"}
	return o
}

// serve runs the server until stop is called, which may be several times.
func (e *edge) serve(t *testing.T) (stop func()) {
	t.Helper()
	if _, err := kafkaio.EnsureTopic(t.Context(), e.server, DefaultMisses, 2); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{Cluster: e.server, Topic: DefaultMisses, Group: "server", Pack: colours, Out: e.out, Policy: PolicyFull,
			AnswersTopic: DefaultAnswers, FileAge: 50 * time.Millisecond})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// uplinked makes o tell what passed between device and server, when its run has ended.
func uplinked(o *Options) func() kafkaio.UplinkCounts {
	var job *session.Session
	o.Started = func(j *session.Session) { job = j }
	return func() kafkaio.UplinkCounts {
		c, _ := kafkaio.Uplink(job)
		return c
	}
}

// check fails unless every frame has one row with the true class, as the full model answers here; it counts outcomes.
func (e *edge) check(t *testing.T, dir string) map[string]int {
	t.Helper()
	outcomes := map[string]int{}
	for _, r := range e.rows(t, dir) {
		outcomes[r.Outcome]++
		if r.Label != r.Truth || r.ModelSHA256 == "" || r.Outcome == schemas.Miss && (r.Model != "full" || r.FullUs <= 0) {
			t.Errorf("%+v", r)
		}
		if r.Audited && r.AuditLabel != r.Label {
			t.Errorf("audited without the server's answer: %+v", r)
		}
	}
	return outcomes
}

func TestADeviceAsksItsServer(t *testing.T) {
	e := newEdge(t)
	e.fill(t, 7, 200)
	o := e.options(t)
	o.AuditRate = 0.02
	counts := uplinked(&o)
	e.serve(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	outcomes, c := e.check(t, o.Out), counts()
	if outcomes[schemas.Hit] < 500 || outcomes[schemas.Miss] < 7 || outcomes[schemas.Error] > 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
	if c.Asked < int64(outcomes[schemas.Miss]) || c.Answered != c.Asked || c.Pending != 0 || c.BytesUp == 0 || c.BytesDown == 0 {
		t.Errorf("%+v of %v", c, outcomes)
	}
}
