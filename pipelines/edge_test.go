package pipelines

import (
	"context"
	"strings"
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

// While the server's broker is away hits go on, and the misses get their answers when it is back. Then the server itself
// begins only after the device has read everything.
func TestACutLinkCostsNothingButTime(t *testing.T) {
	e := newEdge(t)
	e.fill(t, 5, 100)
	if err := e.broker.Stop(); err != nil {
		t.Fatal(err)
	}
	o := e.options(t)
	o.UntilEnd, o.FileAge = false, 50*time.Millisecond
	link, stop := e.background(t, o)
	await(t, func() bool { _, written := link.Counts(); return written > 0 })
	await(t, func() bool { read, _ := link.Counts(); return read == int64(e.sent) })
	if read, written := link.Counts(); read == written {
		t.Error("every frame has its row without a server: the test shows nothing")
	}
	if err := e.broker.Start(); err != nil {
		t.Fatal(err)
	}
	e.serve(t)
	await(t, func() bool { read, written := link.Counts(); return read == written })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	e.check(t, o.Out)
}

// A device that stops without a server leaves its misses to the next run.
func TestADeviceThatStopsAsksAgain(t *testing.T) {
	e := newEdge(t)
	e.fill(t, 5, 100)
	o := e.options(t)
	o.UntilEnd, o.Server.Drain = false, 50*time.Millisecond
	link, stop := e.background(t, o)
	await(t, func() bool { read, _ := link.Counts(); return read == int64(e.sent) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	read, written := link.Counts()
	if written == read {
		t.Fatal("every frame has its row without a server: the test shows nothing")
	}
	e.serve(t)
	o.UntilEnd = true
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	e.check(t, o.Out)
}

func TestProvisionalAnswersStandWithoutAServer(t *testing.T) {
	e := newEdge(t)
	e.fill(t, 5, 60)
	o := e.options(t)
	o.Provisional, o.FullTimeout, o.OutcomesTopic = true, 50*time.Millisecond, e.topic+"-outcomes"
	counts := uplinked(&o)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	degraded := 0
	for _, r := range e.rows(t, o.Out) {
		if r.Outcome == schemas.Miss {
			degraded++
			if !r.Degraded || !r.Provisional || r.Label == "" || r.Model == "full" {
				t.Errorf("%+v", r)
			}
		}
	}
	if c := counts(); degraded == 0 || c.Expired < int64(degraded) || c.Answered != 0 {
		t.Errorf("%d degraded rows; %+v", degraded, c)
	}
}

func TestADeviceRefusesWhatItCannotDo(t *testing.T) {
	for name, edit := range map[string]func(o *Options){
		"--full":    func(o *Options) { o.Full = FullInline },
		"--device":  func(o *Options) { o.Server.Device = "a/b" },
		"--misses":  func(o *Options) { o.Server.Misses = "" },
		"--drain":   func(o *Options) { o.Server.Drain = -1 },
		"a device ": func(o *Options) { o.AnswersTopic = "answers" },
		"--runner":  func(o *Options) { o.Runner, o.Topic, o.Group, o.Out, o.Pack = RunnerFlink, "t", "g", "o", "p" },
	} {
		o := Options{Topic: "t", Server: &Server{Misses: "m", Answers: "a", Device: "d"}}
		edit(&o)
		err := o.Contradiction()
		if o.Runner == RunnerFlink {
			err = o.validate()
		}
		if err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
