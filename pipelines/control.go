package pipelines

import fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"

// controlStream carries requests and their responses. It answers requests for a bundle's progress itself, with nothing. Beam's
// worker (2.77) answers them between its other requests, and waits for the bundle's lock, which is held while the bundle's last
// elements are looked at (harness.go, MainWithOptions; exec/datasource.go, FinishBundle): prism asks every 100 ms, and until
// that bundle had ended no other one could begin. Prism needs the answers for splits, which are off.
type controlStream struct {
	sender
	of      *responses
	worker  string
	bundles atWork
}

// SendMsg sends a response.
func (s *controlStream) SendMsg(m any) error {
	if r, ok := m.(*fnpb.InstructionResponse); ok {
		s.of.responds(s.worker, r.GetInstructionId())
		defer s.bundles.end(r.GetInstructionId())
	}
	return s.send(m)
}

// RecvMsg receives a request. When the stream has ended it waits for the bundles that are at work.
func (s *controlStream) RecvMsg(m any) error {
	for {
		if err := s.ClientStream.RecvMsg(m); err != nil {
			s.bundles.wait(lateBundles)
			return err
		}
		r, _ := m.(*fnpb.InstructionRequest)
		if r.GetProcessBundleProgress() == nil {
			if r.GetProcessBundle() != nil {
				s.bundles.begin(r.GetInstructionId())
			}
			return nil
		}
		_ = s.send(noProgress(r.GetInstructionId())) // RecvMsg tells why it failed
	}
}

// noProgress says nothing of how far a bundle is.
func noProgress(instruction string) *fnpb.InstructionResponse {
	return &fnpb.InstructionResponse{InstructionId: instruction,
		Response: &fnpb.InstructionResponse_ProcessBundleProgress{ProcessBundleProgress: &fnpb.ProcessBundleProgressResponse{}}}
}
