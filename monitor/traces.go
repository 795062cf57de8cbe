package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cachenet/cachenet/connectors/session"
)

// What is kept of bundles until they end.
const (
	openBundles  = 1024 // a bundle that fails never ends: beyond these all are forgotten
	bundleSpans  = 256  // of one bundle
	readAhead    = 64   // fetches that wait for their bundle
	flushWithin  = 5 * time.Second
	complainEach = time.Minute
)

// Traces sends a span for each bundle to an OTLP receiver, with the stages as children. It implements [session.Tracer].
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	topic    string

	mu      sync.Mutex
	open    map[string]*bundle
	fetched []session.Span
}

type bundle struct {
	transforms int // that have begun it and not ended
	spans      []session.Span
	dropped    int
}

// StartTraces connects to endpoint, HOST:PORT, without TLS; where it is empty, to what the OTEL_EXPORTER_OTLP_… variables
// name. It returns nil where neither names one. The receiver need not be there: spans that it does not take are lost, and
// a warning says so.
func StartTraces(ctx context.Context, endpoint string, run Run) (*Traces, error) {
	if endpoint == "" && !tracesAsked() {
		return nil, nil
	}
	if p := protocol(); p != "grpc" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL %s: only grpc is supported: leave it out, and name the receiver's gRPC port (often 4317)", p)
	}
	var options []otlptracegrpc.Option
	if endpoint != "" {
		if _, _, err := net.SplitHostPort(endpoint); err != nil {
			return nil, fmt.Errorf("--otel-endpoint %s: must be HOST:PORT: %w", endpoint, err)
		}
		options = append(options, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "cachenet"), attribute.String("service.version", run.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err), exporter.Shutdown(ctx))
	}
	otel.SetErrorHandler(complaints())
	return newTraces(run.Topic, sdktrace.WithBatcher(exporter), sdktrace.WithResource(about)), nil
}

func newTraces(topic string, options ...sdktrace.TracerProviderOption) *Traces {
	provider := sdktrace.NewTracerProvider(options...)
	return &Traces{provider: provider, tracer: provider.Tracer("github.com/cachenet/cachenet"), topic: topic, open: map[string]*bundle{}}
}

// tracesAsked reports whether the environment asks for traces.
func tracesAsked() bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != ""
}

func protocol() string {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := os.Getenv(name); p != "" {
			return p
		}
	}
	return "grpc"
}

// complaints warns now and then of spans that were not taken.
func complaints() otel.ErrorHandlerFunc {
	var mu sync.Mutex
	var told time.Time
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(told) > complainEach {
			told = now
			slog.Warn("traces are lost, the run is not affected: is there an OTLP receiver?", "error", err)
		}
	}
}

// Begin implements [session.Tracer].
func (t *Traces) Begin(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.open[id]
	if b == nil {
		if len(t.open) >= openBundles {
			clear(t.open)
		}
		b = &bundle{}
		t.open[id] = b
	}
	b.transforms++
}

// Span implements [session.Tracer].
func (t *Traces) Span(s session.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Bundle == "" {
		if len(t.fetched) < readAhead {
			t.fetched = append(t.fetched, s)
		}
		return
	}
	b := t.open[s.Bundle]
	switch {
	case b == nil:
	case len(b.spans) == bundleSpans:
		b.dropped++
	default:
		b.spans = append(b.spans, s)
	}
}

// End implements [session.Tracer].
func (t *Traces) End(id string) {
	t.mu.Lock()
	b := t.open[id]
	if b == nil {
		t.mu.Unlock()
		return
	}
	if b.transforms--; b.transforms > 0 {
		t.mu.Unlock()
		return
	}
	delete(t.open, id)
	if len(b.spans) > 0 {
		b.spans, t.fetched = append(t.fetched, b.spans...), nil
	}
	t.mu.Unlock()
	if len(b.spans) > 0 {
		t.send(id, b)
	}
}

// send makes spans of a bundle that has ended: its own reaches from the first stage, which may be a fetch ahead of it, to now.
func (t *Traces) send(id string, b *bundle) {
	begun, frames := time.Now(), 0
	for _, s := range b.spans {
		if s.Begun.Before(begun) {
			begun = s.Begun
		}
		if s.Name == session.StageState.String() {
			frames += s.Frames
		}
	}
	ctx, root := t.tracer.Start(context.Background(), "bundle", trace.WithNewRoot(), trace.WithTimestamp(begun), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.destination.name", t.topic),
		attribute.String("cachenet.bundle", id), attribute.Int("cachenet.frames", frames), attribute.Int("cachenet.dropped_spans", b.dropped)))
	for _, s := range b.spans {
		_, child := t.tracer.Start(ctx, s.Name, trace.WithTimestamp(s.Begun), trace.WithAttributes(attribute.Int("cachenet.frames", s.Frames)))
		child.End(trace.WithTimestamp(s.Begun.Add(s.Took)))
	}
	root.End()
}

// Close sends what is left, within a few seconds. What cannot be sent is lost with a warning: a run does not fail for it.
func (t *Traces) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		slog.Warn("the last traces are lost", "error", err)
	}
}
