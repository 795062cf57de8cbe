package pipelines

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"google.golang.org/protobuf/proto"
)

func init() {
	register.DoFn1x0[[]byte](&lastingFn{})
	register.DoFn2x0[[]byte, func([]byte)](&laterFn{})
	register.Function1x0(otherFn)
	register.Emitter1[[]byte]()
}

// answered is a stream that brings requests and keeps what is sent.
type answered struct {
	requests
	sent []*fnpb.InstructionResponse
}

func (a *answered) SendMsg(m any) error {
	a.sent = append(a.sent, m.(*fnpb.InstructionResponse))
	return nil
}

// Requests for progress are answered at once, and the worker sees only the others.
func TestTheControlStreamAnswersRequestsForProgress(t *testing.T) {
	progress := func(id string) *fnpb.InstructionRequest {
		return &fnpb.InstructionRequest{InstructionId: id, Request: &fnpb.InstructionRequest_ProcessBundleProgress{ProcessBundleProgress: &fnpb.ProcessBundleProgressRequest{InstructionId: "1"}}}
	}
	under := &answered{requests: requests{left: []*fnpb.InstructionRequest{bundleRequest("1"), progress("2"), progress("3"), bundleRequest("4"), progress("5")}}}
	s := newResponses().wrap(under, controlMethod, "worker")
	for _, want := range []string{"1", "4"} {
		var r fnpb.InstructionRequest
		if err := s.RecvMsg(&r); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(&r, bundleRequest(want)) {
			t.Fatalf("received %v, want bundle %s alone", &r, want)
		}
		if err := s.SendMsg(&fnpb.InstructionResponse{InstructionId: want}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RecvMsg(&fnpb.InstructionRequest{}); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
	var got []string
	for _, r := range under.sent {
		if r.GetProcessBundleProgress() != nil {
			got = append(got, "progress "+r.GetInstructionId())
		} else {
			got = append(got, r.GetInstructionId())
		}
	}
	if want := []string{"1", "progress 2", "progress 3", "4", "progress 5"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// What the transforms of the test below tell each other.
var (
	lastingBegun chan struct{} // the bundle that lasts is at its end
	otherBegun   chan struct{} // another bundle began meanwhile
)

// lastingFn ends its bundle when another one has begun.
type lastingFn struct{}

func (*lastingFn) ProcessElement([]byte) {}

func (*lastingFn) FinishBundle(context.Context) error {
	close(lastingBegun)
	select {
	case <-otherBegun:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("no other bundle began")
	}
}

// laterFn has another bundle begin when prism has asked about the one that lasts.
type laterFn struct{}

func (*laterFn) ProcessElement(b []byte, emit func([]byte)) {
	<-lastingBegun
	time.Sleep(300 * time.Millisecond) // prism asks every 100 ms
	emit(b)
}

func otherFn([]byte) { close(otherBegun) }

// A bundle begins while another one is looking at its last elements, also after prism has asked how far that one is.
func TestABundleBeginsWhileAnotherEnds(t *testing.T) {
	lastingBegun, otherBegun = make(chan struct{}), make(chan struct{})
	p, s := beam.NewPipelineWithRoot()
	beam.ParDo0(s, &lastingFn{}, beam.Impulse(s))
	beam.ParDo0(s, otherFn, beam.Reshuffle(s, beam.ParDo(s, &laterFn{}, beam.Impulse(s))))
	if err := onPrism(t.Context(), execution{pipeline: p, id: "progress"}); err != nil {
		t.Error(err)
	}
}
