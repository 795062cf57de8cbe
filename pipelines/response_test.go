package pipelines

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
)

// sent is a stream that notes what is sent.
type sent struct {
	grpc.ClientStream
	to *journal
}

// journal is written by timers too.
type journal struct {
	mu  sync.Mutex
	all []string
}

func (j *journal) add(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, what)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.all)
}

func (s sent) Context() context.Context { return context.Background() }

func (s sent) SendMsg(m any) error {
	switch m := m.(type) {
	case *fnpb.InstructionResponse:
		s.to.add("response " + m.GetInstructionId())
	case *fnpb.Elements:
		for _, d := range m.GetData() {
			what := "data "
			if d.GetIsLast() {
				what = "end "
			}
			s.to.add(what + d.GetInstructionId())
		}
	}
	return nil
}

func data(bundle string, last bool) *fnpb.Elements {
	d := &fnpb.Elements_Data{InstructionId: bundle, IsLast: last}
	if !last {
		d.Data = []byte("x")
	}
	return &fnpb.Elements{Data: []*fnpb.Elements_Data{d}}
}

// The ends of a bundle's data wait until its response is received, and not for another worker's; all else goes at once.
func TestAResponseIsReceivedBeforeTheEndOfItsDataIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		o := newResponses()
		control := o.wrap(sent{to: &j}, controlMethod, "one ")
		other := o.wrap(sent{to: &j}, controlMethod, "two ")
		out := o.wrap(sent{to: &j}, dataMethod, "one ")
		send := func(s grpc.ClientStream, m any) {
			t.Helper()
			if err := s.SendMsg(m); err != nil {
				t.Fatal(err)
			}
		}
		send(out, data("7", false))
		send(out, data("7", true))
		send(out, data("7", true))
		send(out, data("8", true))
		send(other, &fnpb.InstructionResponse{InstructionId: "7"})
		send(control, &fnpb.InstructionResponse{InstructionId: "6"})
		o.received("7") // the other worker's
		o.received("6")
		time.Sleep(time.Second)
		want := []string{"data 7", "response 7", "response 6"}
		if !slices.Equal(j.lines(), want) {
			t.Fatalf("sent %q, want %q", j.lines(), want)
		}
		send(control, &fnpb.InstructionResponse{InstructionId: "7"})
		synctest.Wait()
		if want = append(want, "response 7"); !slices.Equal(j.lines(), want) {
			t.Fatalf("sent %q, want %q", j.lines(), want)
		}
		o.received("7")
		synctest.Wait()
		if want = append(want, "end 7", "end 7"); !slices.Equal(j.lines(), want) {
			t.Errorf("sent %q, want %q", j.lines(), want)
		}
		send(control, &fnpb.InstructionResponse{InstructionId: "8"}) // to a server that does not say that it came
		time.Sleep(lostResponse)
		synctest.Wait()
		if want = append(want, "response 8", "end 8"); !slices.Equal(j.lines(), want) {
			t.Errorf("sent %q, want %q", j.lines(), want)
		}
		if len(o.ends)+len(o.sent) != 0 {
			t.Errorf("held back: %v, waited for: %v, want nothing", o.ends, o.sent)
		}
	})
}

// A response that is decoded in this process is a received one.
func TestReceiptsAreOfResponses(t *testing.T) {
	var j journal
	o := newResponses()
	c := &receiptCodec{CodecV2: encoding.GetCodecV2(proto.Name)}
	c.of.Store(o)
	control, out := o.wrap(sent{to: &j}, controlMethod, "one "), o.wrap(sent{to: &j}, dataMethod, "one ")
	response := &fnpb.InstructionResponse{InstructionId: "7"}
	for _, err := range []error{out.SendMsg(data("7", true)), control.SendMsg(response)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []struct{ sent, into any }{
		{&fnpb.InstructionRequest{InstructionId: "7"}, &fnpb.InstructionRequest{}},
		{response, &fnpb.InstructionResponse{}},
	} {
		b, err := c.Marshal(m.sent)
		if err != nil {
			t.Fatal(err)
		}
		o.mu.Lock()
		if len(o.ends) != 1 {
			t.Errorf("the end of the data was sent before its response was received")
		}
		o.mu.Unlock()
		if err := c.Unmarshal(b, m.into); err != nil {
			t.Fatal(err)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ends) != 0 {
		t.Errorf("the end of the data waits for a response that was received")
	}
}

// Flink has an endpoint for data where no response goes: nothing is held back, since nothing would release it.
func TestDataThatNoResponseFollowsIsSentAtOnce(t *testing.T) {
	var j journal
	o := newResponses()
	o.wrap(sent{to: &j}, controlMethod, "localhost:1 one")
	out := o.wrap(sent{to: &j}, dataMethod, "localhost:2 one")
	if err := out.SendMsg(data("7", true)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"end 7"}; !slices.Equal(j.lines(), want) {
		t.Errorf("sent %q, want %q", j.lines(), want)
	}
}

// A server that is not there is an error in time, as with Beam's own way to connect.
func TestConnectingToNobodyEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o := newResponses()
	if _, err := o.dial(t.Context(), address, 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
