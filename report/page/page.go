package page

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/schemas"
)

// How much of what a Collector holds is on the page.
const (
	drawnStreams  = 40
	listedStreams = 1000
	shownPairs    = 10
	shownReasons  = 20
	shownLost     = 20
)

//go:embed page.tmpl
var templateText string

//go:embed page.css
var styles string

//go:embed live.js
var liveScript string

var tmpl = template.Must(template.New("page").Funcs(template.FuncMap{
	"comma": humanize.Comma, "percent": percent, "count": report.Count, "beside": beside, "word": word,
	"styles": func() template.CSS { return template.CSS(styles) }, "script": func() template.JS { return template.JS(liveScript) },
}).Parse(templateText))

// Heading says what a page is about.
type Heading struct {
	Source  string           // the data set, or the topic that is read
	Summary *report.Summary  // of the data set, with replays and gaps; nil: unknown
	Stages  map[string]int64 // µs in each stage outside the nets, of a run that goes on; a Summary has its own
	Live    bool             // the page follows a run: it listens to events of its server
	Now     time.Time        // when the page is made
	Frames  *Frames          // of a chosen stream; nil: none can be chosen
}

// WriteHTML writes the page of the rows counted so far.
func (c *Collector) WriteHTML(w io.Writer, h Heading) error { return c.execute(w, "page", h) }

// WriteEvent writes what changes of the page as rows come, the content of its main element, as a server-sent event.
func (c *Collector) WriteEvent(w io.Writer, h Heading) error {
	var body strings.Builder
	if err := c.execute(&body, "body", h); err != nil {
		return err
	}
	text, err := json.Marshal(body.String()) // an event is a line
	if err == nil {
		_, err = fmt.Fprintf(w, "data: %s\n\n", text)
	}
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	return nil
}

func (c *Collector) execute(w io.Writer, name string, h Heading) error {
	c.mu.Lock()
	v := c.view(h)
	c.mu.Unlock()
	if err := tmpl.ExecuteTemplate(w, name, v); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// view is what the template shows.
type view struct {
	Heading
	Packs    []string
	From, To string
	Slot     string
	Tiles    []tile
	Bought   []comparison
	HitRate  template.HTML
	Rate     template.HTML
	Peak     string
	Judged   bool // answers could be compared
	Alarms   bool // audits made a stream do something
	Streams  streamsView
	Shades   []shadeView
	Pairs    pairsView
	Latency  latencyView
	Nets     []bar
	Stages   []bar
	Reasons  []bar
	Lost     []report.Lost
	MoreLost int
}

// tile is one of the figures at the top.
type tile struct{ Name, Value, Note, Mood string }

// bar is a labelled value with its share of the largest one, in percent.
type bar struct {
	Name, Value string
	Width       float64
}

// comparison is one figure with and without the cache.
type comparison struct {
	Title, Note string
	Bars        []bar
}

func (c *Collector) view(h Heading) view {
	line := c.timeline()
	v := view{Heading: h, HitRate: line.hitRate(), Judged: c.whole.known > 0, Slot: micros(float64(line.width))}
	for _, cell := range line.cells {
		v.Alarms = v.Alarms || cell.alarms > 0
	}
	for p := range c.packs {
		v.Packs = append(v.Packs, p)
	}
	slices.Sort(v.Packs)
	v.From, v.To = ends(c.span())
	v.Rate, v.Peak = line.rate()
	v.Tiles, v.Bought = c.tiles(h.Summary), c.bought(h.Summary)
	v.Streams, v.Shades = c.streamsView(), c.shades()
	v.Pairs = c.pairsView()
	v.Latency, v.Nets, v.Reasons = c.latencyView(), c.netBars(), c.reasonBars()
	v.Stages = c.stageBars(h)
	if h.Summary != nil {
		n := min(shownLost, len(h.Summary.Lost))
		v.Lost, v.MoreLost = h.Summary.Lost[:n], len(h.Summary.Lost)-n
	}
	return v
}

// bars gives each value its width relative to the largest.
func bars(names []string, values []float64, show func(float64) string) []bar {
	most := slices.Max(append([]float64{0}, values...))
	all := make([]bar, len(names))
	for i, name := range names {
		all[i] = bar{Name: name, Value: show(values[i])}
		if most > 0 {
			all[i].Width = 100 * values[i] / most
		}
	}
	return all
}

func (c *Collector) reasonBars() []bar {
	names := make([]string, 0, len(c.reasons))
	for r := range c.reasons {
		names = append(names, r)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.reasons[b], c.reasons[a]), cmp.Compare(a, b))
	})
	names = names[:min(shownReasons, len(names))]
	values := make([]float64, len(names))
	for i, n := range names {
		values[i] = float64(c.reasons[n])
	}
	return bars(names, values, whole)
}

// stageBars says where the time goes, per frame.
func (c *Collector) stageBars(h Heading) []bar {
	stages := report.Spread(h.Stages, c.whole.frames, c.model.small, c.model.selector, c.model.full)
	if h.Summary != nil {
		stages = h.Summary.Stages
	}
	var names []string
	var values []float64
	for _, s := range stages {
		names, values = append(names, s.Stage), append(values, s.Us)
	}
	return bars(names, values, micros)
}

// netBars is the mean time of each net over the frames it was asked about.
func (c *Collector) netBars() []bar {
	m := c.model
	var names []string
	var values []float64
	for _, n := range []struct {
		name   string
		us     float64
		frames int64
	}{{"small net", m.small, m.smallFrames}, {"selector", m.selector, m.selectorFrames}, {"full model", m.full, m.fullFrames}} {
		if n.frames > 0 {
			names = append(names, fmt.Sprintf("%s, %s", n.name, report.Count(n.frames, "frame")))
			values = append(values, n.us/float64(n.frames))
		}
	}
	return bars(names, values, micros)
}

// latencyView holds the quantiles of record to row by tier, ms.
type latencyView struct {
	Tiers []latencyTier
}

type latencyTier struct {
	Name      string
	Frames    int64
	Quantiles []bar
}

func (c *Collector) latencyView() (v latencyView) {
	most := 0.0
	for _, o := range []struct{ outcome, name string }{
		{schemas.Hit, "hits (small net)"}, {schemas.Miss, "misses (full model)"}, {schemas.Same, "repeated answers"}, {schemas.Error, "errors"}} {
		h := c.latency[o.outcome]
		if h == nil {
			continue
		}
		t := latencyTier{Name: o.name, Frames: h.total}
		for _, percent := range []int64{50, 95, 99} {
			us := float64(h.quantile(percent))
			t.Quantiles = append(t.Quantiles, bar{Name: fmt.Sprint("p", percent), Value: micros(us), Width: us})
			most = max(most, us)
		}
		v.Tiers = append(v.Tiers, t)
	}
	for _, t := range v.Tiers {
		for i := range t.Quantiles {
			t.Quantiles[i].Width *= 100 / max(most, 1)
		}
	}
	return v
}
