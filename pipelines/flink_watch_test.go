package pipelines

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func offsets(from, to int64) (o schemas.Offsets) {
	o.Add(from, to)
	return o
}

func TestNothingRemainsWhenEverySpanIsDurable(t *testing.T) {
	spans := []kafkaio.Span{{Partition: 0, From: 5, To: 10, Done: offsets(7, 8)}, {Partition: 1, From: 0, To: 3}, {Partition: 2, From: 4, To: 4}}
	job := session.Open("job", 0)
	defer job.Close()
	job.Begin("frames", map[int32]schemas.Offsets{0: spans[0].Done})
	x := execution{topic: "frames", spans: spans, job: job}
	for _, step := range []struct {
		mark session.Durable
		want bool
	}{
		{session.Durable{Topic: "frames", Partition: 0, Offsets: offsets(8, 10)}, false},
		{session.Durable{Topic: "frames", Partition: 1, Offsets: offsets(0, 3)}, false},
		{session.Durable{Topic: "others", Partition: 0, Offsets: offsets(5, 7)}, false},
		{session.Durable{Topic: "frames", Partition: 0, Offsets: offsets(5, 7)}, true},
	} {
		job.SetDurable(step.mark)
		if x.remains() == step.want {
			t.Errorf("after %+v: done is %v", step.mark, !step.want)
		}
	}
	x.spans = []kafkaio.Span{{To: kafkaio.Unbounded}}
	if !x.remains() {
		t.Error("an unbounded span ended")
	}
}

func TestWorkersThatCannotStartAreReported(t *testing.T) {
	p, address := newPool(t)
	if err := ServeWorkers(t.Context(), address); err == nil || !strings.Contains(err.Error(), "choose a free address") {
		t.Errorf("a second pool at %s: %v", address, err)
	}
	r, err := p.StartWorker(t.Context(), &fnpb.StartWorkerRequest{WorkerId: "1", ProvisionEndpoint: &pipepb.ApiServiceDescriptor{Url: "127.0.0.1:1"}})
	if err != nil || !strings.Contains(r.GetError(), "worker 1: request settings from the runner") {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := p.StopWorker(t.Context(), &fnpb.StopWorkerRequest{WorkerId: "1"}); err != nil {
		t.Errorf("an unknown worker: %v", err)
	}
}

// A task manager that reconnects stops its worker from another port.
func TestAWorkerIsStoppedFromANewConnection(t *testing.T) {
	at := func(id, connection string) workerName { return workerName{id: id, connection: connection} }
	first, other, far := at("1", "10.0.0.1:1000"), at("2", "10.0.0.1:1000"), at("1", "10.0.0.2:1000")
	p := &workerPool{workers: map[workerName]*exec.Cmd{first: {}, other: {}, far: {}}}
	for asked, want := range map[workerName]workerName{
		first: first, at("1", "10.0.0.1:2000"): first, at("2", "10.0.0.1:2000"): other, at("1", "10.0.0.2:2000"): far,
		at("3", "10.0.0.1:2000"): at("3", "10.0.0.1:2000"), at("1", "10.0.0.3:2000"): at("1", "10.0.0.3:2000"),
	} {
		if got, err := p.lookUp(asked); got != want || err != nil {
			t.Errorf("%v means %v, error %v; want %v", asked, got, err, want)
		}
	}
	p.workers[at("1", "10.0.0.1:3000")] = &exec.Cmd{}
	if got, err := p.lookUp(at("1", "10.0.0.1:2000")); err == nil {
		t.Errorf("one of two workers was chosen: %v", got)
	}
	if got, err := p.lookUp(first); got != first || err != nil {
		t.Errorf("%v, error %v", got, err)
	}
}

// An unreachable job service is an error within 10 s, of one line.
func TestUnreachableFlink(t *testing.T) {
	s := newSite(t, 1)
	s.fill(t, 1, 10)
	o := s.options(t)
	o.Runner, o.Endpoint, o.FlinkREST = RunnerFlink, "127.0.0.1:1", "127.0.0.1:1"
	start := time.Now()
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), "\n") || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
