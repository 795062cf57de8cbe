package pipelines

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// requests is a stream that brings requests and then ends.
type requests struct {
	grpc.ClientStream
	left []*fnpb.InstructionRequest
}

func (r *requests) RecvMsg(m any) error {
	if len(r.left) == 0 {
		return io.EOF
	}
	proto.Merge(m.(proto.Message), r.left[0])
	r.left = r.left[1:]
	return nil
}

func (r *requests) SendMsg(any) error { return io.EOF }

func bundleRequest(instruction string) *fnpb.InstructionRequest {
	return &fnpb.InstructionRequest{InstructionId: instruction, Request: &fnpb.InstructionRequest_ProcessBundle{ProcessBundle: &fnpb.ProcessBundleRequest{}}}
}

// The end of a worker's control stream is told when its bundles have sent their responses, even if these arrive nowhere, and after a
// limit where one never does.
func TestTheControlStreamEndsAfterItsBundles(t *testing.T) {
	register := &fnpb.InstructionRequest{InstructionId: "register", Request: &fnpb.InstructionRequest_Register{Register: &fnpb.RegisterRequest{}}}
	for name, c := range map[string]struct {
		requests []*fnpb.InstructionRequest
		answers  map[string]time.Duration // when they are sent, after the stream's end
		want     time.Duration
	}{
		"no bundle":      {nil, nil, 0},
		"two bundles":    {[]*fnpb.InstructionRequest{bundleRequest("1"), register, bundleRequest("2")}, map[string]time.Duration{"1": time.Second, "2": 2 * time.Second}, 2 * time.Second},
		"one that hangs": {[]*fnpb.InstructionRequest{bundleRequest("1")}, nil, lateBundles},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newResponses().wrap(&requests{left: c.requests}, controlMethod, "worker")
				for range c.requests {
					if err := s.RecvMsg(&fnpb.InstructionRequest{}); err != nil {
						t.Fatal(err)
					}
				}
				for instruction, after := range c.answers {
					time.AfterFunc(after, func() {
						if err := s.SendMsg(&fnpb.InstructionResponse{InstructionId: instruction}); !errors.Is(err, io.EOF) {
							t.Errorf("response %s: %v", instruction, err)
						}
					})
				}
				ended := time.Now()
				if err := s.RecvMsg(&fnpb.InstructionRequest{}); !errors.Is(err, io.EOF) {
					t.Errorf("ended with %v", err)
				}
				if took := time.Since(ended); took != c.want {
					t.Errorf("the end is told after %v, want %v", took, c.want)
				}
			})
		})
	}
}

// A bundle that was answered while the stream stood is not waited for.
func TestAnsweredBundlesAreNotWaitedFor(t *testing.T) {
	s := newResponses().wrap(&requests{left: []*fnpb.InstructionRequest{bundleRequest("1")}}, controlMethod, "worker")
	if err := s.RecvMsg(&fnpb.InstructionRequest{}); err != nil {
		t.Fatal(err)
	}
	_ = s.SendMsg(&fnpb.InstructionResponse{InstructionId: "1"})
	begun := time.Now()
	if err := s.RecvMsg(&fnpb.InstructionRequest{}); !errors.Is(err, io.EOF) || time.Since(begun) >= lateBundles {
		t.Errorf("the end is told after %v, with %v", time.Since(begun), err)
	}
}
