package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// lostResponse is how long the ends of a bundle's data wait for a response that is sent and not received in this process.
const lostResponse = 20 * time.Millisecond

// Names of the methods that carry responses and data.
const (
	controlMethod = "/org.apache.beam.model.fn_execution.v1.BeamFnControl/Control"
	dataMethod    = "/org.apache.beam.model.fn_execution.v1.BeamFnData/Data"
)

// respondFirst makes workers of this process send the ends of a bundle's data only when its response was received. Prism 2.77
// spins from the end of a bundle's data to its response (see fence), and takes a processor away from those that bring the
// response: at 60 bundles/s of each stage that was a third of all processor time. The other way round it waits without spinning.
// The order of the two is not part of the protocol, as they travel in different streams. A fixed time between the two is no
// substitute: on a busy machine either takes up to 10 ms longer than the other. Flink, which may run a job in the same process
// later, has an endpoint for each of them: what goes there is sent as it comes.
func respondFirst() {
	o := newResponses()
	receipts.of.Store(o)
	grpcx.Dial = func(ctx context.Context, endpoint string, timeout time.Duration) (*grpc.ClientConn, error) {
		if !local(endpoint) {
			return grpcx.DefaultDial(ctx, endpoint, timeout)
		}
		return o.dial(ctx, endpoint, timeout)
	}
}

// dial connects as Beam does: it returns when the connection stands.
func (o *responses) dial(ctx context.Context, endpoint string, timeout time.Duration) (*grpc.ClientConn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cc, err := grpc.NewClient("passthrough:///"+endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)), grpc.WithStreamInterceptor(o.intercept))
	if err != nil {
		return nil, err
	}
	cc.Connect()
	for state := cc.GetState(); state != connectivity.Ready; state = cc.GetState() {
		if !cc.WaitForStateChange(ctx, state) {
			return nil, errors.Join(fmt.Errorf("connect to %s: %w", endpoint, ctx.Err()), cc.Close())
		}
		if cc.GetState() == connectivity.Idle {
			cc.Connect()
		}
	}
	return cc, nil
}

func local(endpoint string) bool {
	return strings.HasPrefix(endpoint, "localhost:") || strings.HasPrefix(endpoint, "127.0.0.1:") || strings.HasPrefix(endpoint, "[::1]:")
}

// responses holds the ends of data back until the response of their bundle is received.
type responses struct {
	mu       sync.Mutex
	controls map[string]bool     // endpoints and workers that have a stream of responses
	ends     map[string][]func() // worker and instruction → what sends them
	sent     map[string][]string // instruction → the workers that sent its response, which was not received yet
}

func newResponses() *responses {
	return &responses{controls: map[string]bool{}, ends: map[string][]func(){}, sent: map[string][]string{}}
}

func (o *responses) intercept(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := streamer(ctx, desc, cc, method, opts...)
	if err != nil {
		return nil, err
	}
	worker := cc.Target()
	if md, ok := metadata.FromOutgoingContext(ctx); ok {
		worker += strings.Join(md.Get("worker_id"), ",")
	}
	return o.wrap(s, method, worker), nil
}

// wrap returns the stream of a worker that keeps the order. A worker opens its control stream first.
func (o *responses) wrap(s grpc.ClientStream, method, worker string) grpc.ClientStream {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch method {
	case controlMethod:
		o.controls[worker] = true
		return &controlStream{sender: sender{ClientStream: s}, of: o, worker: worker}
	case dataMethod:
		if o.controls[worker] {
			return &dataStream{sender: sender{ClientStream: s}, of: o, worker: worker}
		}
	}
	return s
}

func (o *responses) hold(bundle string, send func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ends[bundle] = append(o.ends[bundle], send)
}

// responds notes that a worker is about to send an instruction's response. The server may be in another process, which
// does not tell when it has received it.
func (o *responses) responds(worker, instruction string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ends[worker+instruction]) == 0 {
		return
	}
	o.sent[instruction] = append(o.sent[instruction], worker)
	time.AfterFunc(lostResponse, func() { o.received(instruction) })
}

// received sends what was held back for an instruction whose response was sent. Workers of several jobs may have the same
// instruction at once; whose response this is cannot be told, and prism takes either order. It returns before anything is sent,
// so that the receiver goes on first.
func (o *responses) received(instruction string) {
	o.mu.Lock()
	var ends []func()
	for _, worker := range o.sent[instruction] {
		ends = append(ends, o.ends[worker+instruction]...)
		delete(o.ends, worker+instruction)
	}
	delete(o.sent, instruction)
	o.mu.Unlock()
	if len(ends) == 0 {
		return
	}
	go func() {
		for _, send := range ends {
			send()
		}
	}()
}

// sender sends on a stream from several goroutines: SendMsg may not be called concurrently.
type sender struct {
	grpc.ClientStream
	mu sync.Mutex
}

func (s *sender) send(m any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.SendMsg(m)
}

// dataStream carries data.
type dataStream struct {
	sender
	of     *responses
	worker string
}

// SendMsg sends data, and holds back what only says that it ends.
func (s *dataStream) SendMsg(m any) error {
	e, ok := m.(*fnpb.Elements)
	if !ok || len(e.GetTimers()) > 0 || len(e.GetData()) != 1 || !e.GetData()[0].GetIsLast() || len(e.GetData()[0].GetData()) > 0 {
		return s.send(m)
	}
	s.of.hold(s.worker+e.GetData()[0].GetInstructionId(), func() {
		if err := s.send(m); err != nil && s.Context().Err() == nil {
			slog.Warn("prism: the end of a bundle's data could not be sent", "error", err)
		}
	})
	return nil
}
