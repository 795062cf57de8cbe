package main

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// receiver is an OTLP receiver that keeps what it gets.
type receiver struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex
	spans []*trace.Span
}

func (r *receiver) Export(_ context.Context, q *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range q.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func (r *receiver) all() []*trace.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans
}

// received starts a receiver and returns its address.
func received(t *testing.T) (*receiver, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, s := &receiver{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(s, r)
	go func() { _ = s.Serve(l) }() // ends with Stop
	t.Cleanup(s.Stop)
	return r, l.Addr().String()
}

// A run sends a span for each bundle, in which all frames are, and the stages as its children, within its time.
func TestARunSendsTraces(t *testing.T) {
	addr := embedded(t)
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "2", "--frames", "50")
	for name, full := range map[string]string{"inline": "inline", "transform": "transform"} {
		t.Run(name, func(t *testing.T) {
			r, at := received(t)
			mustRun(t, "run", "--brokers", addr, "--topic", "frames", "--group", name, "--pack", coloursPack, "--out", t.TempDir(), "--until-end",
				"--full", full, "--otel-endpoint", at)
			checkTraces(t, r.all(), 100)
		})
	}
}

// checkTraces fails unless the spans are of bundles with so many frames, with every stage among their children.
func checkTraces(t *testing.T, spans []*trace.Span, want int64) {
	t.Helper()
	bundles, frames, seen := map[string]*trace.Span{}, int64(0), map[string]int{}
	for _, s := range spans {
		if s.Name == "bundle" {
			bundles[string(s.SpanId)] = s
			for _, a := range s.Attributes {
				if a.Key == "cachenet.frames" {
					frames += a.Value.GetIntValue()
				}
			}
		}
	}
	for _, s := range spans {
		if s.Name == "bundle" {
			continue
		}
		seen[s.Name]++
		b := bundles[string(s.ParentSpanId)]
		if b == nil {
			t.Fatalf("%s is in no bundle", s.Name)
		}
		if s.StartTimeUnixNano < b.StartTimeUnixNano || s.EndTimeUnixNano < s.StartTimeUnixNano || s.EndTimeUnixNano > b.EndTimeUnixNano {
			t.Errorf("%s is not within its bundle", s.Name)
		}
	}
	if frames != want || len(bundles) == 0 {
		t.Errorf("%d frames in %d bundles", frames, len(bundles))
	}
	for _, stage := range []string{"fetch", "decode", "state", "small net", "full model", "write"} {
		if seen[stage] == 0 {
			t.Errorf("no span of the stage %s: %v", stage, seen)
		}
	}
}

// Traces that nobody takes cost the run nothing but a warning; what cannot be meant is refused.
func TestTracesWithoutAReceiver(t *testing.T) {
	addr := embedded(t)
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "1", "--frames", "20")
	out := t.TempDir()
	run := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end"}
	said := mustRun(t, append(run, "--otel-endpoint", "127.0.0.1:1")...)
	if !strings.Contains(said, "traces are lost") || onDisk(t, out) != 20 {
		t.Errorf("%d rows: %s", onDisk(t, out), said)
	}
	p := start(t, append(run, "--otel-endpoint", "nowhere")...)
	if code := p.exit(t); code == 0 || !strings.Contains(p.said(t), "must be HOST:PORT") {
		t.Errorf("exit code %d: %s", code, p.said(t))
	}
}
