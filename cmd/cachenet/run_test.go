package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models/audit"
)

// publishRaw publishes records that are not frames, all with a key and without headers.
func publishRaw(t *testing.T, addr string, values ...string) {
	t.Helper()
	if _, err := kafkaio.EnsureTopic(t.Context(), kafkaio.Cluster{Brokers: []string{addr}}, "frames", 1); err != nil {
		t.Fatal(err)
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Transport: transport, Addr: kafka.TCP(addr), Topic: "frames", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	var messages []kafka.Message
	for _, v := range values {
		messages = append(messages, kafka.Message{Key: []byte("cam"), Value: []byte(v)})
	}
	if err := w.WriteMessages(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// A run ends with the counts of hits, misses and errors, and the reasons of the errors.
func TestARunPrintsItsSummary(t *testing.T) {
	addr, out := embedded(t), t.TempDir()
	run := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end", "--audit-rate", "1"}
	publishRaw(t, addr, "no image", "", "no image either")
	said := mustRun(t, run...)
	for _, want := range []string{"3 frames: 0 hits, 0 misses, 3 errors (100 %)", "1 × read: empty value", "every frame was an error", "topic frames"} {
		if !strings.Contains(said, want) {
			t.Errorf("the output of a run of errors lacks %q:\n%s", want, said)
		}
	}
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "2", "--frames", "20", "--active", "1")
	publishRaw(t, addr, "")
	p := start(t, append(run, "--output", "json")...)
	if code := p.exit(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, p.said(t))
	}
	said = p.said(t)
	var got runSummary
	if err := json.NewDecoder(strings.NewReader(said[strings.Index(said, "{"):])).Decode(&got); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if got.Audits == nil || got.Hits == 0 {
		t.Fatalf("no hit was audited: %s", said)
	}
	audits := audit.Result{Hits: got.Hits, Audited: got.Hits, Caught: got.Audits.Caught, Bound: got.Audits.Caught} // every hit is audited
	want := runSummary{Frames: 41, Audits: &audits, Hits: got.Hits, Misses: 40 - got.Hits, Errors: 1, ErrorRate: 1. / 41,
		Reasons: []parquetio.Reason{{Stage: "read", Example: "empty value", Rows: 1}}}
	if diff := cmp.Diff(want, got); diff != "" || strings.Contains(said, "every frame") {
		t.Errorf("%s:\n%s", diff, said)
	}
	nobody := []string{"--runner", "flink", "--endpoint", "127.0.0.1:1", "--flink-rest", "127.0.0.1:1"} // nothing is read, so Flink is not asked
	for _, more := range [][]string{nil, nobody, append(nobody, "--worker-pool", "127.0.0.1:1")} {
		if said := mustRun(t, append(run, more...)...); !strings.Contains(said, "nothing was left to read: topic frames") {
			t.Errorf("a run without frames, %v: %s", more, said)
		}
	}
}

// Glob characters in a folder's name have no meaning: its gaps are read like any other's.
func TestAFolderNamedLikeAPattern(t *testing.T) {
	addr, out := embedded(t), t.TempDir()+"/out[cam1]*"
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "2", "--frames", "20", "--partitions", "1")
	run := []string{"run", "--brokers", addr, "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", out, "--until-end"}
	mustRun(t, append(run, "--offset", "30")...)
	mustRun(t, run...)
	if n := onDisk(t, out); n != 10 {
		t.Errorf("%d rows; want 10, since --offset excludes the first 30 frames", n)
	}
}

// Two groups would write every row twice: the second one is refused, whether it shares or not.
func TestASecondGroupIsRefused(t *testing.T) {
	addr := embedded(t)
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "2", "--frames", "20")
	for _, more := range [][]string{nil, {"--share"}} {
		out := t.TempDir()
		run := func(group string, more ...string) []string {
			return append([]string{"run", "--brokers", addr, "--topic", "frames", "--group", group, "--pack", coloursPack, "--out", out}, more...)
		}
		first := start(t, run("a", more...)...)
		eventually(t, "the first one has rows", func() bool { return onDisk(t, out) == 40 })
		second := start(t, run("b", more...)...)
		if code := second.exit(t); code != 1 || !strings.Contains(second.said(t), `as group "a"`) {
			t.Errorf("exit code %d: %s", code, second.said(t))
		}
		if err := first.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := first.exit(t); code != 0 {
			t.Errorf("the first ends with %d: %s", code, first.said(t))
		}
		checkRows(t, addr, out)
	}
}

// --live-frames without the page that shows them, or more than it shows, is wrong usage.
func TestLiveFramesAreChecked(t *testing.T) {
	run := []string{"run", "--brokers", "localhost:1", "--topic", "frames", "--group", "g", "--pack", coloursPack, "--out", t.TempDir()}
	for _, tt := range []struct {
		more []string
		says string
	}{{[]string{"--live-frames", "5"}, "only with --metrics"}, {[]string{"--live-frames", "101", "--metrics", "127.0.0.1:0"}, "must be 0 to 100"}, {[]string{"--live-frames", "-1"}, "must be 0 to 100"}} {
		p := start(t, append(run, tt.more...)...)
		if code := p.exit(t); code != 2 || !strings.Contains(p.said(t), tt.says) {
			t.Errorf("%v: exit code %d: %s", tt.more, code, p.said(t))
		}
	}
}
