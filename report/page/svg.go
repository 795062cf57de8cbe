package page

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/cachenet/cachenet/report"
)

// The drawings are stretched to the width of the screen, so they hold shapes only; text is in HTML next to them.

// Heights in a strip: marks of changes above, who answered in the middle, wrong answers below.
const (
	stripHeight = 34
	marksBottom = 6
	bodyBottom  = 27
	wrongTop    = 29
)

// maxShades is how many specialists have a shade of their own.
const maxShades = 4

// strip draws one stream over time: per slot a column, in it from below the share of misses, of errors and of hits.
func strip(cells []cell, label string) template.HTML {
	cells = dense(cells)
	var hits [maxShades]strings.Builder
	var misses, errors, changes, alarms, wrong strings.Builder
	for i, c := range cells {
		n := float64(c.frames())
		if n == 0 {
			continue
		}
		const height = bodyBottom - marksBottom
		miss, failed := height*float64(c.misses)/n, height*float64(c.errors)/n
		rect(&hits[shade(c.net)], i, marksBottom, height-miss-failed)
		rect(&errors, i, bodyBottom-miss-failed, failed)
		rect(&misses, i, bodyBottom-miss, miss)
		if c.changes > 0 {
			rect(&changes, i, 0, marksBottom-2)
		}
		if c.alarms > 0 {
			rect(&alarms, i, 0, marksBottom-1)
		}
		if c.wrong > 0 {
			rect(&wrong, i, wrongTop, stripHeight-wrongTop)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="strip" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`,
		len(cells), stripHeight, template.HTMLEscapeString(label))
	for i := range hits {
		path(&out, fmt.Sprint("hit hit", i), hits[i].String())
	}
	path(&out, "miss", misses.String())
	path(&out, "error", errors.String())
	path(&out, "change", changes.String())
	path(&out, "alarm", alarms.String())
	path(&out, "wrong", wrong.String())
	out.WriteString(`</svg>`)
	return template.HTML(out.String())
}

// dense joins neighbouring slots until a slot holds two frames in the mean, so that a stream of few frames is no row of dots.
func dense(cells []cell) []cell {
	frames := 0
	for _, c := range cells {
		frames += int(c.frames())
	}
	if frames == 0 || frames >= 2*len(cells) {
		return cells
	}
	return join(cells, (2*len(cells)+frames-1)/frames)
}

// fewestSlots is how many slots a chart keeps at least.
const fewestSlots = 40

// filled joins slots while one in ten is empty, which looks like outages where cameras only record in step. It returns
// how many slots became one.
func filled(cells []cell) (joined []cell, each int) {
	for joined, each = cells, 1; len(joined) >= 2*fewestSlots; each *= 2 {
		empty := 0
		for _, c := range joined {
			if c.frames() == 0 {
				empty++
			}
		}
		if 10*empty <= len(joined) {
			break
		}
		joined = join(joined, 2)
	}
	return joined, each
}

// join merges each so many cells into one.
func join(cells []cell, each int) []cell {
	joined := make([]cell, (len(cells)+each-1)/each)
	for i, c := range cells {
		joined[i/each].merge(c)
	}
	return joined
}

// shade is which of the shades a specialist's hits have.
func shade(net uint8) int {
	if net == 0 {
		return 0
	}
	return int(net-1) % maxShades
}

// rect adds a column of one slot to a path.
func rect(b *strings.Builder, slot int, top, height float64) {
	if height > 0 {
		fmt.Fprintf(b, "M%d %.4gh1v%.3gh-1z", slot, top, height)
	}
}

func path(b *strings.Builder, class, d string) {
	if d != "" {
		fmt.Fprintf(b, `<path class="%s" d="%s"/>`, class, d)
	}
}

// chartHeight is the height of the drawing of the hit rate: a unit for every percent.
const chartHeight = 100

// timeline is the run over time, in the slots that the charts draw.
type timeline struct {
	cells []cell
	start int64 // µs
	width int64 // of a slot, µs
}

func (c *Collector) timeline() timeline {
	cells, each := filled(c.whole.strip.over(c.axis))
	return timeline{cells, c.axis.lo * c.axis.width, c.axis.width * int64(each)}
}

// at is when the i-th slot begins.
func (t timeline) at(i int) time.Time { return time.UnixMicro(t.start + int64(i)*t.width).UTC() }

// hitRate draws the share of hits over time as an area, that of right answers as a line, and errors as marks.
func (t timeline) hitRate() template.HTML {
	var area, errors, titles strings.Builder
	for i, cell := range t.cells {
		answered := cell.hits + cell.misses
		if cell.errors > 0 {
			rect(&errors, i, chartHeight-4, 4)
		}
		if answered > 0 {
			rate := chartHeight * float64(cell.hits) / float64(answered)
			rect(&area, i, chartHeight-rate, rate)
			fmt.Fprintf(&titles, `<rect x="%d" width="1" height="%d" fill="transparent"><title>%s: %.1f %% hits of %s</title></rect>`,
				i, chartHeight, t.at(i).Format(time.TimeOnly), rate, report.Count(int64(cell.frames()), "frame"))
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="chart" id="hit-rate" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="hit rate over time">`,
		max(len(t.cells), 1), chartHeight)
	path(&out, "hit hit0", area.String())
	for _, y := range []int{25, 50, 75} {
		fmt.Fprintf(&out, `<path class="grid" d="M0 %dH%d"/>`, y, len(t.cells))
	}
	path(&out, "error", errors.String())
	path(&out, "right", t.right())
	out.WriteString(titles.String() + `</svg>`)
	return template.HTML(out.String())
}

// right is the line of right answers, broken where nothing is known.
func (t timeline) right() string {
	var line strings.Builder
	move := "M"
	for i, cell := range t.cells {
		switch {
		case cell.known > 0:
			fmt.Fprintf(&line, "%s%d.5 %.4g", move, i, chartHeight*float64(cell.wrong)/float64(cell.known))
			move = "L"
		case cell.frames() == 0:
			move = "M"
		}
	}
	return line.String()
}

// rate draws the frames of each slot; peak is what the fullest slot holds, per second.
func (t timeline) rate() (chart template.HTML, peak string) {
	var most uint32 = 1
	for _, cell := range t.cells {
		most = max(most, cell.frames())
	}
	var bars strings.Builder
	for i, cell := range t.cells {
		h := 40 * float64(cell.frames()) / float64(most)
		rect(&bars, i, 40-h, h)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="rate" viewBox="0 0 %d 40" preserveAspectRatio="none" role="img" aria-label="frames over time">`, max(len(t.cells), 1))
	path(&out, "frames", bars.String())
	out.WriteString(`</svg>`)
	return template.HTML(out.String()), perSecond(most, t.width)
}
