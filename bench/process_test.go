package main

import (
	"strings"
	"testing"
	"time"
)

func TestMeasuredCountsChildren(t *testing.T) {
	// the shell itself does nothing: its child does the work
	u, err := measured(t.Context(), []string{"sh", "-c", `awk 'BEGIN { for (i = 0; i < 10000000; i++) x += i }' & wait`}, nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if u.CPU < 20*time.Millisecond || u.RSS < 1<<18 || u.Wall <= 0 {
		t.Errorf("%+v", u)
	}
}

func TestMeasuredEndsAtTheLimit(t *testing.T) {
	_, err := measured(t.Context(), []string{"sh", "-c", "sleep 600 & wait"}, nil, 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "did not end within 50ms") {
		t.Errorf("%v", err)
	}
}

func TestMeasuredErrorHasTheOutput(t *testing.T) {
	_, err := measured(t.Context(), []string{"sh", "-c", "echo $WHY >&2; exit 3"}, []string{"WHY=no frames"}, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "no frames") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var p tail
	for range 3000 {
		_, _ = p.Write([]byte("a line of output that is not read\n"))
	}
	_, _ = p.Write([]byte("the reason"))
	if s := p.String(); !strings.HasSuffix(s, "the reason") || len(s) > 2000 {
		t.Errorf("%d bytes, ending in %q", len(s), s[max(0, len(s)-20):])
	}
}

func TestQuantile(t *testing.T) {
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(99 - i)
	}
	for q, want := range map[float64]float64{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g: %g, want %g", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %g", got)
	}
}
