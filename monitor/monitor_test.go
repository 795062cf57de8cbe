package monitor

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v3"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func started(t *testing.T, run Run) *Monitor {
	t.Helper()
	m, err := Start("127.0.0.1:0", run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func get(t *testing.T, m *Monitor, path string) (status int, body string) {
	t.Helper()
	r, err := http.Get("http://" + m.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func job(t *testing.T) *session.Session {
	s := session.Open("monitored", 1<<20)
	t.Cleanup(func() { s.Close() })
	return s
}

func rows() []schemas.Outcome {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	return []schemas.Outcome{
		{Stream: "cam-1", EventTime: at, Outcome: schemas.Hit, Label: "cat", SpecialistUs: 40, LatencyUs: 2000, CacheEvent: schemas.CacheSwap},
		{Stream: "cam-1", EventTime: at, Outcome: schemas.Hit, Label: "cat", SpecialistUs: 40, Audited: true, AuditLabel: "dog"},
		{Stream: "cam-2", EventTime: at, Outcome: schemas.Miss, Label: "dog", SpecialistUs: 40, FullUs: 1000},
		{Stream: "cam-2", EventTime: at, Outcome: schemas.Error, Error: "no image", Stage: schemas.StageDecode},
	}
}

func TestMetricsSayWhatTheRowsSay(t *testing.T) {
	m := started(t, Run{Topic: "frames", Version: "v1", DeadLetters: true})
	j := job(t)
	m.Follow(j)
	j.Read(6, 100)
	j.Rows(rows())
	j.Written(4, 60)
	j.Missed(2)
	j.Spent(session.StageDecode, 1500*time.Millisecond, 4)
	_, text := get(t, m, "/metrics")
	for _, want := range []string{
		`cachenet_frames_total{outcome="hit"} 2`, `cachenet_frames_total{outcome="miss"} 1`, `cachenet_frames_total{outcome="error"} 1`,
		`cachenet_inference_duration_seconds_count{tier="small"} 3`, `cachenet_inference_duration_seconds_sum{tier="full"} 0.001`,
		`cachenet_dead_letters_total{reason="decode"} 1`, `cachenet_stream_cache_events_total{event="swap"} 1`,
		`cachenet_audited_hits_total{answer="different"} 1`, `cachenet_frame_latency_seconds_count{outcome="hit"} 2`,
		`cachenet_frames_in_flight 2`, `cachenet_misses_in_flight 2`, `cachenet_stage_seconds_total{stage="decode"} 1.5`,
		`cachenet_build_info{goversion="go`, `process_resident_memory_bytes`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, "cam-") {
		t.Error("a stream id is a label: cardinality is unbounded")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "cachenet_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestCountersGrowOverJobs(t *testing.T) {
	m := started(t, Run{Topic: "frames"})
	for range 2 {
		j := job(t)
		m.Follow(j)
		j.Rows(rows())
		j.Spent(session.StageFetch, time.Second, 4)
	}
	_, text := get(t, m, "/metrics")
	for _, want := range []string{`cachenet_frames_total{outcome="hit"} 4`, `cachenet_stage_seconds_total{stage="fetch"} 2`, `cachenet_dead_letters_total{reason="decode"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestHealthFollowsTheJob(t *testing.T) {
	m := started(t, Run{Topic: "frames"})
	check := func(when string, paths []string, want int) {
		t.Helper()
		for _, p := range paths {
			if got, _ := get(t, m, p); got != want {
				t.Errorf("%s: %s answers %d, want %d", when, p, got, want)
			}
		}
	}
	live, ready := []string{"/v2/health/live", "/ping"}, []string{"/v2/health/ready", "/ready"}
	check("before the first job", live, 200)
	check("before the first job", ready, 503)
	j := job(t)
	m.Follow(j)
	check("while frames flow", ready, 200)
	j.Drain()
	check("while it drains", ready, 503)
	check("while it drains", live, 200)
	check("nothing there", []string{"/nothing"}, 404)
}

func TestThePageFollowsTheRun(t *testing.T) {
	m := started(t, Run{Topic: "frames"})
	j := job(t)
	m.Follow(j)
	j.Rows(rows())
	j.Spent(session.StageDecode, time.Millisecond, 4)
	if _, text := get(t, m, "/"); !strings.Contains(text, "topic frames") || !strings.Contains(text, "cam-2") || !strings.Contains(text, "Where the time goes") {
		t.Error("the page does not show the run")
	}
	r, err := http.Get("http://" + m.Addr() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	var body string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "data: ")), &body); err != nil || !strings.Contains(body, "cam-1") {
		t.Fatalf("the first event: %v, %.100s", err, lines.Text())
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	ended := false
	for lines.Scan() {
		ended = ended || lines.Text() == "event: end"
	}
	if !ended {
		t.Error("the page is not notified of the end of the run")
	}
}

func TestABadAddressIsAnError(t *testing.T) {
	m := started(t, Run{})
	for _, addr := range []string{m.Addr(), "nowhere", "127.0.0.1:99999"} {
		if again, err := Start(addr, Run{}); err == nil || !strings.Contains(err.Error(), "--metrics "+addr) {
			t.Errorf("%s: %v, %v", addr, again, err)
		}
	}
}

func TestCountingRowsDoesNotAllocate(t *testing.T) {
	m := newMetrics(Run{DeadLetters: true}, func() *session.Session { return nil })
	all := rows()
	if n := testing.AllocsPerRun(100, func() { m.observe(all) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// knownMetrics are the names that /metrics can show.
func knownMetrics(t *testing.T) map[string]bool {
	t.Helper()
	m := started(t, Run{Topic: "frames"})
	m.Follow(job(t))
	_, there := get(t, m, "/metrics")
	known := map[string]bool{"cachenet_lag_frames": true, "cachenet_model_cache_bytes": true, // only with a source and nets
		"cachenet_model_loads_total": true, "cachenet_model_evictions_total": true,
		"cachenet_pack_fetched_bytes_total": true, "cachenet_model_stalls_total": true} // … and a pack from a server
	for _, d := range uplinkDescs { // only on a device
		name := regexp.MustCompile(`cachenet_[a-z_]+`).FindString(d.String())
		known[name], known[name+"_bucket"] = true, true
	}
	for _, name := range regexp.MustCompile(`(?m)^[a-z_]+`).FindAllString(there, -1) {
		known[name] = true
	}
	return known
}

var metricName = regexp.MustCompile(`(?:cachenet|process|go)_[a-z_]+`)

// Every metric that an alerting rule queries must exist.
func TestAlertsQueryExistingMetrics(t *testing.T) {
	text, err := os.ReadFile("../docs/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	known, rules := knownMetrics(t), 0
	for _, g := range file.Groups {
		for _, rule := range g.Rules {
			rules++
			names := metricName.FindAllString(rule.Expr, -1)
			if len(names) == 0 || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s: %d metrics, annotations %v", rule.Alert, len(names), rule.Annotations)
			}
			for _, name := range names {
				if !known[name] {
					t.Errorf("%s queries %s", rule.Alert, name)
				}
			}
		}
	}
	if rules < 5 {
		t.Errorf("%d rules", rules)
	}
}

// Every metric that the dashboard queries must exist, with the labels it groups by.
func TestTheDashboardQueriesExistingMetrics(t *testing.T) {
	text, err := os.ReadFile("../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title  string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	known := knownMetrics(t)
	asked := 0
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				asked++
				if !known[name] {
					t.Errorf("panel %s queries %s", p.Title, name)
				}
			}
		}
	}
	if asked < 8 {
		t.Errorf("the dashboard queries %d metrics", asked)
	}
}

// What audits make a stream do is counted beside what happens to its specialists.
func TestAuditEventsAreCounted(t *testing.T) {
	m := newMetrics(Run{}, func() *session.Session { return nil })
	for _, event := range []string{schemas.TrustStricter, schemas.TrustDrift, schemas.TrustBypass, schemas.TrustReturn, schemas.TrustChanged} {
		if m.events[event] == nil {
			t.Errorf("%s is not counted", event)
		}
	}
}
