package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/schemas"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// row is the i-th frame of a stream, four a second; the higher the stream's number, the more of its frames are misses.
func row(stream, i int) schemas.Outcome {
	o := schemas.Outcome{Stream: fmt.Sprintf("cam-%02d", stream), Topic: "frames", Partition: int32(stream), Offset: int64(i),
		EventTime: noon.Add(time.Duration(i) * 250 * time.Millisecond), Outcome: schemas.Hit, Label: "bicycle", Truth: "bicycle",
		Model: "specialist-00", Pack: "scenes@1", CacheEvent: schemas.CacheNone, SpecialistUs: 40, LatencyUs: int64(4000 + i%50*100)}
	switch {
	case i%97 == 13:
		o.Outcome, o.Error, o.Stage, o.Label, o.Model = schemas.Error, "decode: no image", schemas.StageDecode, "", ""
	case i%40 < 2+4*stream:
		o.Outcome, o.FullUs, o.Model = schemas.Miss, 1200, "full"
	case i%40 == 39:
		o.Label = "motorcycle"
	}
	if i%100 == 50 {
		o.CacheEvent = schemas.CacheSwap
	}
	return o
}

func example(streams, frames int) *Collector {
	c := NewCollector()
	for i := range frames {
		for s := range streams {
			o := row(s, i)
			c.Add(&o, "")
		}
	}
	return c
}

func written(t testing.TB, c *Collector, h Heading) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.WriteHTML(&b, h); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestThePageSaysWhatTheRowsSay(t *testing.T) {
	summary := &report.Summary{Lost: []report.Lost{{Topic: "frames", Partition: 3, From: 10, To: 25}}}
	text := string(written(t, example(6, 400), Heading{Source: "out", Summary: summary}))
	for _, want := range []string{
		"2,400",                      // frames
		"estimated from the misses",  // what caching bought
		"motorcycle",                 // confused
		"decode: no image",           // error
		"10 to 24",                   // gap
		"of 6 streams, one row each", // delivery
		"specialist-00",              // legend
		"cachenet explain out --stream",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if worst, best := strings.Index(text, "<b>cam-05"), strings.Index(text, "<b>cam-00"); worst < 0 || best < worst {
		t.Errorf("the worst stream is at %d, the best one at %d", worst, best)
	}
}

func TestThePageIsSelfContained(t *testing.T) {
	text := string(written(t, example(2, 50), Heading{Source: "out"}))
	if found := regexp.MustCompile(`(?:src|href|url\()=?["']?(?:https?:)?//[^"']+`).FindString(text); found != "" {
		t.Errorf("the page loads %s", found)
	}
	if strings.Contains(text, "<script") {
		t.Error("a page made from files has a script")
	}
}

func TestNamesAreEscaped(t *testing.T) {
	c := NewCollector()
	const evil = `"><script>alert(1)</script>`
	for i, o := range []string{schemas.Hit, schemas.Error} {
		c.Add(&schemas.Outcome{Stream: evil, Pack: evil, Label: evil, Truth: "x", Model: evil, Error: evil, Outcome: o, EventTime: noon, Offset: int64(i)}, evil+"2")
	}
	if text := string(written(t, c, Heading{Source: evil})); strings.Contains(text, "<script") {
		t.Error("a stream's name is part of the page's markup")
	}
}

func TestChartsAreWellFormedXML(t *testing.T) {
	c := example(1, 300)
	rate, _ := c.timeline().rate()
	for _, svg := range []string{string(c.timeline().hitRate()), string(rate), string(strip(c.whole.strip.over(c.axis), `a "name" <of> & a stream`))} {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %.200s", err, svg)
			}
		}
	}
}

func TestEmptyPage(t *testing.T) {
	if text := string(written(t, NewCollector(), Heading{Source: "frames", Live: true})); !strings.Contains(text, "No frames yet") {
		t.Error("a page without rows does not say so")
	}
}

func TestAPageStaysSmall(t *testing.T) {
	c := NewCollector()
	for i := range 60 {
		for s := range 3000 {
			o := row(s%9, i)
			o.Stream, o.Label = fmt.Sprint("camera-", s), fmt.Sprint("class ", s)
			o.Error = strings.Repeat(o.Error, 1+s%2) + o.Error[:min(len(o.Error), 1)] + fmt.Sprint(s)
			c.Add(&o, "")
		}
	}
	if n := len(written(t, c, Heading{Source: "out"})); n > 600<<10 {
		t.Errorf("the page of 3,000 streams has %d bytes", n)
	}
	if v := c.view(Heading{}); len(v.Streams.Drawn) != drawnStreams || len(v.Streams.Drawn)+len(v.Streams.Listed) != listedStreams || v.Streams.More != 2000 || len(c.reasons) > maxReasons+1 {
		t.Errorf("%d drawn, %d listed, %d more; %d reasons", len(v.Streams.Drawn), len(v.Streams.Listed), v.Streams.More, len(c.reasons))
	}
}

func TestNoFrameIsLostOnTheTimeAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := NewCollector()
		at := rapid.SliceOfN(rapid.Int64Range(-1<<50, 1<<50), 1, 80).Draw(t, "times")
		for i, us := range at {
			c.Add(&schemas.Outcome{Stream: fmt.Sprint(i % 3), Outcome: schemas.Hit, EventTime: time.UnixMicro(us)}, "")
		}
		for name, s := range map[string]*stream{"all": &c.whole, "0": c.streams["0"]} {
			cells := s.strip.over(c.axis)
			var sum int64
			for _, cell := range cells {
				sum += int64(cell.frames())
			}
			if sum != s.frames || len(cells) > maxSlots {
				t.Fatalf("%s: %d frames in %d slots, %d were added", name, sum, len(cells), s.frames)
			}
		}
		if cells := c.whole.strip.over(c.axis); cells[0].frames() == 0 || cells[len(cells)-1].frames() == 0 {
			t.Fatal("the axis starts or ends without a frame")
		}
	})
}

func TestQuantilesAreAtMost3PercentTooLarge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(0, 1<<60).Draw(t, "µs")
		var h histogram
		h.add(v)
		if got := h.quantile(50); got < v || float64(got) > float64(v)*1.032 {
			t.Fatalf("%d µs became %d", v, got)
		}
	})
}

func TestFewFramesShareSlots(t *testing.T) {
	sparse := make([]cell, 200)
	for i := 0; i < 200; i += 10 {
		sparse[i].hits = 1
	}
	joined := dense(sparse)
	if len(joined) != 10 {
		t.Fatalf("%d slots for 20 frames", len(joined))
	}
	for i, c := range joined {
		if c.hits != 2 {
			t.Errorf("slot %d has %d frames", i, c.hits)
		}
	}
}

func TestSynchronisedCamerasAreNotOutages(t *testing.T) {
	step := make([]cell, 240)
	for i := range step {
		if i%3 > 0 {
			step[i].hits = 10
		}
	}
	if joined, each := filled(step); each != 2 || len(joined) != 120 {
		t.Errorf("every third slot is empty: %d slots of %d", len(joined), each)
	}
	outage := make([]cell, 240)
	for i := range outage {
		if i < 60 || i > 200 {
			outage[i].hits = 10
		}
	}
	joined, _ := filled(outage)
	if len(joined) < fewestSlots || joined[len(joined)/2].frames() > 0 {
		t.Errorf("an outage is missing from %d slots", len(joined))
	}
}

// A record without a key and one whose clock is centuries off are on the page as what they are.
func TestOddRecordsAreReadable(t *testing.T) {
	c := NewCollector()
	for i := range 20 {
		o := row(0, i)
		c.Add(&o, "")
	}
	c.Add(&schemas.Outcome{Outcome: schemas.Error, Error: "no key", EventTime: noon, Offset: 1}, "")
	for _, days := range []int64{-50 * 365, 200 * 365} {
		const day = 24 * 3600e6
		c.Add(&schemas.Outcome{Stream: "cam-99", Outcome: schemas.Miss, EventTime: noon.AddDate(0, 0, int(days)), LatencyUs: -days * day}, "")
	}
	text := string(written(t, c, Heading{Source: "out"}))
	for _, want := range []string{"<b>(no key)</b>", "1 frame<", "1 error<", "(no key) over time: 1 frame,", "<span>21</span><span>0</span>", "in slots of 1,591 days", "18,325 days"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{">1 frames", " 1 frames", "1 errors", "0.00/s"} {
		if strings.Contains(text, no) {
			t.Errorf("the page says %q", no)
		}
	}
	if c.Worst() != "" {
		t.Errorf("the worst stream is %q", c.Worst())
	}
}

func TestAShortRunHasMilliseconds(t *testing.T) {
	text := string(written(t, example(1, 8), Heading{Source: "out"}))
	for _, want := range []string{"2026-05-04 12:00:00.000", "2026-05-04 12:00:01.750", "in slots of 32.0 ms"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestAuditsAreOnThePage(t *testing.T) {
	c := NewCollector()
	for i := range 40 {
		o := row(0, i)
		if o.Outcome == schemas.Hit && i%4 == 3 {
			o.Truth, o.Audited, o.AuditLabel, o.AuditRate = "", true, "bicycle", .25
		}
		if i == 20 {
			o.CacheEvent = schemas.TrustDrift
		}
		c.Add(&o, "")
	}
	text := string(written(t, c, Heading{Source: "out"}))
	for _, want := range []string{"Wrong hits", "10 of 10 hits, 1 wrong", "audits changed the stream", `class="alarm"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestWordsAreQuotedForAShell(t *testing.T) {
	for _, name := range []string{"cam-03", "out/demo", "cam 1", "$(touch x)", "it's", "a;b", "", "-flag", "Tür"} {
		said, err := exec.Command("sh", "-c", "printf %s "+word(name)).Output()
		if err != nil || string(said) != name {
			t.Errorf("%q: %q, %v", name, said, err)
		}
	}
	if word("cam-03") != "cam-03" {
		t.Error("a plain name is quoted")
	}
}
