package main

import (
	"fmt"
	"html"
	"os"
	"strings"
)

// colours of the contenders in the picture.
var colours = []struct{ name, colour string }{
	{deviceFull, "#9fb8d8"}, {serverOnly, "#d9c27a"}, {cascade, "#a9cba4"}, {paperWay, "#c9a6cf"}, {oursRule, "#e0a08c"},
}

// Sizes of the picture, in pixels.
const (
	boxWide, boxHigh = 74, 30
	leftWide         = 330
	topHigh          = 78
)

// draw shows for every link and device, in colour, which of the others is quickest at a point lost at most, and by how much
// ours with the full model on both sides is quicker than that.
func (d document) draw(path string) error {
	if !strings.HasSuffix(path, ".svg") {
		return fmt.Errorf("draw %s: must end in .svg", path)
	}
	var b strings.Builder
	columns := len(d.results) * (len(factors) + 1)
	rows := len(d.results[0].cells) / len(factors)
	width, height := leftWide+columns*boxWide+20, topHigh+rows*boxHigh+60
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	text(&b, 10, 22, "start", "Mean latency: the quickest of the others that loses at most a point (colour), and how many times quicker is: ours, rule, full on device")
	for i, r := range d.results {
		left := leftWide + i*(len(factors)+1)*boxWide
		text(&b, left+len(factors)*boxWide/2, 48, "middle", r.facts.Name+": device slower by")
		for k, factor := range factors {
			text(&b, left+k*boxWide+boxWide/2, 68, "middle", fmt.Sprintf("%g x", factor))
		}
		for at, c := range r.cells {
			row, column := at/len(factors), at%len(factors)
			if i == 0 && column == 0 {
				text(&b, leftWide-10, topHigh+row*boxHigh+19, "end", c.Name)
			}
			box(&b, left+column*boxWide, topHigh+row*boxHigh, c)
		}
	}
	legend(&b, height-24)
	b.WriteString("</svg>\n")
	return os.WriteFile(path, []byte(b.String()), 0o666)
}

// box is one cell.
func box(b *strings.Builder, x, y int, c cell) {
	others := []string{deviceFull, serverOnly, cascade, paperWay, oursRule}
	winner := c.winner(others)
	colour := "#eeeeee"
	for _, o := range colours {
		if o.name == winner {
			colour = o.colour
		}
	}
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="white"/>`+"\n", x, y, boxWide, boxHigh, colour)
	if winner != "" {
		text(b, x+boxWide/2, y+19, "middle", fmt.Sprintf("%.2f x", c.mean(winner)/c.mean(oursHere)))
	}
}

func legend(b *strings.Builder, y int) {
	x := 10
	for _, o := range colours {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="14" height="14" fill="%s"/>`+"\n", x, y-11, o.colour)
		text(b, x+20, y, "start", o.name)
		x += 40 + 7*len(o.name)
	}
}

func text(b *strings.Builder, x, y int, anchor, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(s))
}
