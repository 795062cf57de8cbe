package page

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/report"
)

// tiles are the figures that an operator asks for first. s may be nil.
func (c *Collector) tiles(s *report.Summary) []tile {
	w := c.whole
	if w.frames == 0 {
		return nil
	}
	all := []tile{{Name: "Hit rate", Value: percent(w.hits, w.hits+w.misses), Mood: "hit",
		Note: fmt.Sprintf("%s of %s answers without the full model", humanize.Comma(w.hits), humanize.Comma(w.hits+w.misses))}}
	if x, note := c.saving(s); x > 0 {
		all = append(all, tile{Name: "Model time", Value: times(x), Note: "less than the full model alone, " + note})
	}
	if c.truths > 0 {
		all = append(all, tile{Name: "Accuracy", Value: percent(c.rights, c.truths), Note: fmt.Sprintf("of %s answers whose class is known", humanize.Comma(c.truths))})
	}
	if s != nil && s.AgreementWithFull != nil {
		all = append(all, tile{Name: "Agreement", Value: fmt.Sprintf("%.1f %%", 100**s.AgreementWithFull), Note: "with the full model on the same frames"})
	}
	if r := c.audits.Result(audit.Alpha); r.Audited > 0 {
		t := tile{Name: "Wrong hits", Value: "unknown", Note: "audited: " + r.String()}
		if r.Says() {
			t.Value = fmt.Sprintf("≤ %.2g %%", 100*r.Rate())
		}
		all = append(all, t)
	}
	all = append(all, c.frameTile(s))
	if fps := c.framesPerSecond(); fps > 0 {
		all = append(all, tile{Name: "Throughput", Value: figure(fps) + "/s", Note: "frames, first row to last"})
	}
	errors := tile{Name: "Errors", Value: humanize.Comma(w.errors), Note: percent(w.errors, w.frames) + " of the frames", Mood: "good"}
	if w.errors > 0 {
		errors.Mood = "bad"
	}
	return append(all, errors)
}

func (c *Collector) frameTile(s *report.Summary) tile {
	t := tile{Name: "Frames", Value: humanize.Comma(c.whole.frames), Note: "of " + report.Count(int64(len(c.streams)), "stream")}
	if s == nil {
		return t
	}
	t.Note += ", one row each"
	if s.Duplicates > 0 {
		t.Note, t.Mood = humanize.Comma(s.Duplicates)+" duplicate rows", "bad"
	}
	return t
}

// saving is the full model's time over the cache's: measured where the same frames were replayed, else estimated from
// the misses. 0: unknown.
func (c *Collector) saving(s *report.Summary) (x float64, note string) {
	if s != nil && s.ModelTimeSpeedup != nil {
		return *s.ModelTimeSpeedup, "measured on the same frames"
	}
	if c.model.fullFrames == 0 || c.model.perFrame() == 0 {
		return 0, ""
	}
	return c.model.full / float64(c.model.fullFrames) / c.model.perFrame(), "estimated from the misses"
}

// bought compares the run with answering without a cache: measured where the same frames were replayed, else
// estimated from what the full model took on misses.
func (c *Collector) bought(s *report.Summary) []comparison {
	if s != nil && s.Baselines != nil && s.Replay != nil {
		return measured(s)
	}
	if c.model.fullFrames == 0 {
		return nil
	}
	full := c.model.full / float64(c.model.fullFrames)
	return []comparison{{Title: "Model time per frame", Note: "the full model's is estimated from the misses",
		Bars: bars([]string{"with the cache", "full model on every frame"}, []float64{c.model.perFrame(), full}, micros)}}
}

// way is one way of answering the same frames.
type way struct {
	name string
	m    *report.Measures
}

func measured(s *report.Summary) []comparison {
	ways := []way{{"with the cache", s.Replay}, {"full model only", s.Baselines.FullOnly}, {"small net only", s.Baselines.SmallOnly}}
	var all []comparison
	for _, f := range []struct {
		title, note string
		of          func(*report.Measures) *float64
		show        func(float64) string
	}{
		{"Frames per second", "the same frames at full speed, decoding included; more is better", func(m *report.Measures) *float64 { return m.FramesPerSecond }, whole},
		{"Model time per frame", "less is better", func(m *report.Measures) *float64 { return m.ModelUsPerFrame }, micros},
		{"Accuracy", "more is better", func(m *report.Measures) *float64 { return m.Accuracy }, func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }},
	} {
		var names []string
		var values []float64
		for _, w := range ways {
			if w.m != nil && f.of(w.m) != nil {
				names, values = append(names, w.name), append(values, *f.of(w.m))
			}
		}
		if len(names) > 1 {
			all = append(all, comparison{f.title, f.note, bars(names, values, f.show)})
		}
	}
	return all
}

// pairsView lists the wrong hits by pair.
type pairsView struct {
	Against         string // what the hits were compared with
	Compared, Wrong int64
	Rows            []pairRow
	More            int64 // wrong hits of pairs that are not listed
}

type pairRow struct {
	Answer, Reference string
	Bar               bar
}

func (c *Collector) pairsView() (v pairsView) {
	p := &c.fromFull
	v.Against = "the full model's answer to the same frame"
	if p.compared == 0 {
		p, v.Against = &c.fromTruth, "the true class"
	}
	v.Compared, v.Wrong, v.More = p.compared, p.wrong, p.wrong
	most := p.most(shownPairs)
	for _, m := range most {
		width := 100 * float64(m.n) / float64(most[0].n)
		v.Rows = append(v.Rows, pairRow{m.answer, m.reference, bar{Value: humanize.Comma(m.n), Width: width}})
		v.More -= m.n
	}
	return v
}
