package page

import (
	"cmp"
	"fmt"
	"html/template"

	"github.com/cachenet/cachenet/report"
)

// streamsView shows the streams, the worst first.
type streamsView struct {
	Drawn  []streamView // with a strip
	Listed []streamView // the following ones, as figures
	More   int          // streams that are on the page only in the totals
	All    int
}

type streamView struct {
	Name                         string
	Frames, Hits, Misses, Errors int64
	Known, Right, Changes        int64
	Strip                        template.HTML
}

func (c *Collector) streamsView() (v streamsView) {
	all := c.worst()
	v.All = len(all)
	for i, s := range all {
		shown := streamView{s.name, s.frames, s.hits, s.misses, s.errors, s.known, s.right, s.changes, ""}
		switch {
		case i < drawnStreams && s.strip != nil:
			label := fmt.Sprintf("%s over time: %s, %s hits, %s", shown.Title(), report.Count(s.frames, "frame"), percent(s.hits, s.hits+s.misses), report.Count(s.errors, "error"))
			shown.Strip = strip(s.strip.over(c.axis), label)
			v.Drawn = append(v.Drawn, shown)
		case len(v.Drawn)+len(v.Listed) < listedStreams:
			v.Listed = append(v.Listed, shown)
		default:
			v.More++
		}
	}
	return v
}

// Worst names the stream with the largest share of frames that were errors, misses or known to be wrong, the first on the
// page; empty without rows.
func (c *Collector) Worst() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if all := c.worst(); len(all) > 0 {
		return all[0].name
	}
	return ""
}

// Title is what the page calls the stream: records without a key have no name.
func (s streamView) Title() string { return cmp.Or(s.Name, report.NoKey) }

// Answered is how many frames have an answer.
func (s streamView) Answered() int64 { return s.Hits + s.Misses }

// shadeView explains a shade of the strips.
type shadeView struct {
	Class, Names string
}

// shades says which specialist has which shade; with many, several share one.
func (c *Collector) shades() []shadeView {
	var all []shadeView
	for i, name := range c.nets {
		if i < maxShades {
			all = append(all, shadeView{fmt.Sprint("hit hit", i), name})
		} else {
			all[i%maxShades].Names += ", " + name
		}
	}
	return all
}
