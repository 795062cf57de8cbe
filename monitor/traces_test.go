package monitor

import (
	"fmt"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cachenet/cachenet/connectors/session"
)

func traced(t *testing.T) (*Traces, *tracetest.SpanRecorder) {
	t.Helper()
	sent := tracetest.NewSpanRecorder()
	traces := newTraces("frames", sdktrace.WithSpanProcessor(sent))
	t.Cleanup(traces.Close)
	return traces, sent
}

func TestABundleIsSentWhenItsLastTransformEnds(t *testing.T) {
	traces, sent := traced(t)
	at := time.Now().Add(-time.Second)
	traces.Span(session.Span{Name: "fetch", Begun: at.Add(-time.Second), Took: time.Millisecond, Frames: 5})
	traces.Begin("empty")
	traces.End("empty")
	traces.Begin("one")
	traces.Begin("one")
	traces.Span(session.Span{Bundle: "one", Name: "state", Begun: at, Took: 2 * time.Millisecond, Frames: 5})
	traces.End("one")
	if n := len(sent.Ended()); n != 0 {
		t.Fatalf("%d spans before the end of the bundle", n)
	}
	traces.Span(session.Span{Bundle: "one", Name: "write", Begun: at.Add(time.Millisecond), Took: time.Millisecond, Frames: 5})
	traces.End("one")
	traces.Span(session.Span{Bundle: "one", Name: "late", Begun: at})
	var names []string
	for _, s := range sent.Ended() {
		names = append(names, s.Name())
	}
	if got := fmt.Sprint(names); got != "[fetch state write bundle]" {
		t.Fatal(got)
	}
	root := sent.Ended()[3]
	if !root.StartTime().Equal(at.Add(-time.Second)) || root.Parent().IsValid() {
		t.Errorf("the bundle begins at %v", root.StartTime())
	}
	for _, child := range sent.Ended()[:3] {
		if child.Parent().SpanID() != root.SpanContext().SpanID() {
			t.Errorf("%s is not a child of the bundle", child.Name())
		}
	}
}

// Bundles that fail never end: neither they nor a bundle of many stages may take memory without bound.
func TestTracesKeepToTheirBounds(t *testing.T) {
	traces, sent := traced(t)
	for i := range 3 * openBundles {
		id := fmt.Sprint(i)
		traces.Begin(id)
		traces.Span(session.Span{Bundle: id, Name: "state"})
		traces.Span(session.Span{Name: "fetch"})
		if len(traces.open) > openBundles || len(traces.fetched) > readAhead {
			t.Fatalf("%d bundles, %d fetches", len(traces.open), len(traces.fetched))
		}
	}
	traces.Begin("large")
	for range 2 * bundleSpans {
		traces.Span(session.Span{Bundle: "large", Name: "state", Frames: 1})
	}
	traces.End("large")
	if n := len(sent.Ended()); n > bundleSpans+readAhead+1 {
		t.Errorf("%d spans", n)
	}
}

func TestTracesAreOffUnlessAskedFor(t *testing.T) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		t.Setenv(name, "")
	}
	if traces, err := StartTraces(t.Context(), "", Run{}); traces != nil || err != nil {
		t.Errorf("%v, %v", traces, err)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	traces, err := StartTraces(t.Context(), "", Run{})
	if traces == nil || err != nil {
		t.Fatalf("%v, %v", traces, err)
	}
	traces.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	if _, err := StartTraces(t.Context(), "", Run{}); err == nil {
		t.Error("a protocol that is not supported")
	}
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	if traces, err := StartTraces(t.Context(), "", Run{}); traces != nil || err != nil {
		t.Errorf("%v, %v", traces, err)
	}
}
