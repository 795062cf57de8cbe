package pipelines

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/schemas"
)

// durableRows reads the rows that are on disk, whatever the topic contains.
func durableRows(t *testing.T, dir string) []schemas.Outcome {
	t.Helper()
	var all []schemas.Outcome
	for o, err := range parquetio.Rows(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// background calls Run until stop is called, which returns Run's error.
func (s *site) background(t *testing.T, o Options) (link *session.Session, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	links := make(chan *session.Session, 100)
	o.Started = func(l *session.Session) { links <- l }
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	select {
	case link = <-links:
	case err := <-done:
		t.Fatalf("ended at once: %v", err)
	}
	return link, func() error { cancel(); return <-done }
}

// firstOutcomes returns the outcome of each stream's first frame at or after a sequence number.
func firstOutcomes(rows []schemas.Outcome, from int64) map[string]int {
	counts := map[string]int{}
	for _, r := range rows {
		if r.Sequence == from {
			counts[r.Outcome]++
		}
	}
	return counts
}

func TestARestartIsWarmAfterADrainAndColdAfterACrash(t *testing.T) {
	const streams = 8
	for name, c := range map[string]struct {
		between func(t *testing.T, o *Options)
		want    map[string]int // of the first frames after the restart
	}{
		"drained":      {func(*testing.T, *Options) {}, map[string]int{schemas.Hit: streams}},
		"other policy": {func(_ *testing.T, o *Options) { o.Full = FullInline }, map[string]int{schemas.Miss: streams}},
		"snapshot cut": {func(t *testing.T, o *Options) { overwrite(t, *o, []byte("{")) }, map[string]int{schemas.Miss: streams}},
		"snapshot damaged": {func(t *testing.T, o *Options) { // which can be parsed
			overwrite(t, *o, bytes.Replace(overwrite(t, *o, nil), []byte(`"streams":{"cam-0":`), []byte(`"streams":{"cam-8":`), 1))
		}, map[string]int{schemas.Miss: streams}},
		"crashed": {func(t *testing.T, o *Options) { // a crash leaves an outdated snapshot or none
			text, _ := unseal(overwrite(t, *o, nil))
			overwrite(t, *o, seal(bytes.Replace(text, []byte(`"done":{"0":[[0,`), []byte(`"done":{"0":[[1,`), 1)))
		}, map[string]int{schemas.Miss: streams}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 1)
			for i := range streams {
				s.send(t, fmt.Sprintf("cam-%d", i), slicesOf("blue", 20)...)
			}
			o := s.options(t)
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			for i := range streams {
				s.send(t, fmt.Sprintf("cam-%d", i), slicesOf("blue", 20)...)
			}
			c.between(t, &o)
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, firstOutcomes(s.rows(t, o.Out), 20)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func slicesOf(colour string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = colour
	}
	return all
}

// overwrite replaces the snapshot of a drained run, unless text is nil, and returns the previous content.
func overwrite(t *testing.T, o Options, text []byte) []byte {
	t.Helper()
	name := snapshotName(o.Topic)
	before, err := parquetio.ReadPrivate(o.Out, name)
	if err != nil || before == nil {
		t.Fatalf("no snapshot: %v", err)
	}
	if text != nil {
		if err := parquetio.WritePrivate(o.Out, name, text); err != nil {
			t.Fatal(err)
		}
	}
	return before
}

func TestPartitionsGainedWhileRunningAreRead(t *testing.T) {
	for _, offset := range []string{"oldest", "newest"} {
		t.Run(offset, func(t *testing.T) {
			s := newSite(t, 2)
			o := s.options(t)
			o.UntilEnd, o.Watch, o.Offset, o.FileAge = false, 100*time.Millisecond, offset, 50*time.Millisecond
			_, stop := s.background(t, o)
			s.fill(t, 6, 50)
			await(t, func() bool { return len(durableRows(t, o.Out)) == s.sent })
			if err := kafkatest.AddPartitions(t.Context(), s.cluster.Brokers[0], s.topic, 5); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			await(t, func() bool { // the producer's metadata must have them too
				s.fill(t, 20, 2)
				for _, r := range durableRows(t, o.Out) {
					if r.Partition >= 2 {
						return true
					}
				}
				return false
			})
			t.Logf("read %v after their creation", time.Since(start).Round(time.Millisecond))
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			o.UntilEnd = true
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			s.rows(t, o.Out)
		})
	}
}

func TestWhatRetentionDeletedIsNamedExactly(t *testing.T) {
	s := newSite(t, 1)
	s.fill(t, 2, 50)
	o := s.options(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.fill(t, 2, 50)
	if err := kafkatest.DeleteRecords(t.Context(), s.cluster.Brokers[0], s.topic, 0, 130); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing new is reported
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		gaps, err := parquetio.ReadGaps(o.Out)
		if err != nil {
			t.Fatal(err)
		}
		var want schemas.Offsets
		want.Add(100, 130)
		if got := gaps.Lost[s.topic][0]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("lost %v, want %v", got, want)
		}
		summary, err := report.Read(t.Context(), o.Out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]report.Lost{{Topic: s.topic, From: 100, To: 130}}, summary.Lost); diff != "" {
			t.Error(diff)
		}
		if n := len(durableRows(t, o.Out)); n != 170 {
			t.Errorf("%d rows, want 170", n)
		}
	}
}

// A first run that starts at a later offset reports no gap before it, and neither does the next one.
func TestStartOffsetSurvivesRestarts(t *testing.T) {
	for offset, want := range map[string]int{"newest": 40, "60": 80, "oldest": 140} {
		t.Run(offset, func(t *testing.T) {
			s := newSite(t, 1)
			s.fill(t, 2, 50)
			o := s.options(t)
			o.Offset = offset
			for range 2 {
				if err := Run(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				s.fill(t, 2, 10)
			}
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			gaps, err := parquetio.ReadGaps(o.Out)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(durableRows(t, o.Out)); n != want || gaps.Lost[s.topic] != nil {
				t.Errorf("%d rows, want %d; lost %v", n, want, gaps.Lost)
			}
		})
	}
}

// Record times that jump back by hours, or ahead, do not affect delivery.
func TestAClockThatJumps(t *testing.T) {
	s := newSite(t, 2)
	now := time.Now()
	var frames []schemas.Frame
	for i := range int64(400) {
		rgb := paint["red"]
		at := now.Add(time.Duration([]int64{0, -300, 30, -6000, 50}[i/20%5]) * time.Minute)
		frames = append(frames, schemas.Frame{Stream: fmt.Sprintf("cam-%d", i%4), Sequence: i / 4, EventTime: at,
			ContentType: schemas.RGB8, Width: 1, Height: 1, Truth: "red", Image: rgb[:]})
	}
	s.publish(t, frames)
	o := s.options(t)
	for range 2 {
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		times := map[int64]int{}
		for _, r := range s.rows(t, o.Out) {
			times[r.EventTime.UnixMilli()]++
			if r.Label != "red" {
				t.Errorf("%+v", r)
			}
		}
		if len(times) != 5 {
			t.Errorf("%d event times, want those of the records", len(times))
		}
	}
}

func TestTheSecondProcessOfAGroupRefuses(t *testing.T) {
	s := newSite(t, 1)
	s.fill(t, 1, 10)
	o := s.options(t)
	o.UntilEnd = false
	_, stop := s.background(t, o)
	c, said := s.process(t, o)
	if err := c.Run(); err == nil || !strings.Contains(said.String(), "another process writes the rows") {
		t.Errorf("%v: %s", err, said)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
}

// The broker is unavailable for a while under load: reading, committing and writing resume by themselves.
func TestBrokerOutage(t *testing.T) {
	away := 2 * time.Second
	if kafkatest.Real() || os.Getenv("CACHENET_TEST_LONG") != "" {
		away = 20 * time.Second
	}
	b := kafkatest.Own(t)
	s := newSiteAt(t, b.Addr(), 4)
	s.fill(t, 8, 200)
	o := s.options(t)
	o.UntilEnd, o.FileAge = false, 200*time.Millisecond
	o.OutcomesTopic = s.topic + "-outcomes"
	link, stop := s.background(t, o)
	await(t, func() bool { read, _ := link.Counts(); return read > 100 })
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(away) // the outage under test
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	s.fill(t, 8, 200)
	await(t, func() bool { return len(durableRows(t, o.Out)) == s.sent })
	t.Logf("all %d frames have rows %.1f s after the broker was back from %v", s.sent, time.Since(back).Seconds(), away)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.rows(t, o.Out)
	ids := map[string]bool{}
	for _, m := range s.records(t, o.OutcomesTopic) {
		for _, h := range m.Headers {
			if h.Key == schemas.HeaderID {
				ids[string(h.Value)] = true
			}
		}
	}
	if len(ids) != s.sent {
		t.Errorf("%d outcomes in the topic, want %d", len(ids), s.sent)
	}
}
