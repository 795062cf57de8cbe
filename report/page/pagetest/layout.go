package pagetest

import "testing"

// Screen is what a page is looked at on.
type Screen struct {
	Name   string
	Scheme string // light or dark
	Width  int64  // CSS pixels
	Grey   bool   // without colours
}

// Screens are those that every page has to suit.
var Screens = []Screen{
	{Name: "wide", Scheme: "light", Width: 1400}, {Name: "phone", Scheme: "light", Width: 390}, {Name: "grey", Scheme: "light", Width: 1400, Grey: true},
	{Name: "dark", Scheme: "dark", Width: 1400}, {Name: "phone-dark", Scheme: "dark", Width: 390},
}

// Layout is what can be measured of a page as it is drawn.
type Layout struct {
	Charts, Bars, Assets int
	Empty                []string // charts in which nothing is drawn
	Cut                  []string // texts that are wider than what holds them, or squeezed into a column of single letters
	Faint                []string // texts with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3)
	Wide                 float64  // pixels that the page is wider than the screen
	Paper                string   // colour of the background
}

// Layout measures the page in the tab.
func (tab *Tab) Layout(t *testing.T) Layout {
	t.Helper()
	return Eval[Layout](t, tab, layout)
}

const layout = `(() => {
	const empty = [...document.querySelectorAll("svg[role=img]")].filter((s) => {
		const path = s.querySelector("path:not(.grid)");
		return !path || !path.getBBox().width || s.getBoundingClientRect().width < 150;
	});
	const texts = [...document.querySelectorAll("body *:not(script, style, svg *)")].filter((e) =>
		e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
	const cut = texts.filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).textOverflow !== "ellipsis" ||
		e.textContent.trim().length > 8 && e.clientWidth > 0 && e.clientWidth < 60 && e.clientHeight > e.clientWidth);
	const rgb = (text) => text.match(/[\d.]+/g).map(Number);
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
	const faint = texts.filter((e) => {
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
		return (a + .05) / (b + .05) < 4.5;
	});
	const name = (e) => e.tagName + " " + e.textContent.trim().slice(0, 60);
	return {
		charts: document.querySelectorAll("svg[role=img]").length,
		empty: empty.map((s) => s.getAttribute("aria-label")),
		bars: [...document.querySelectorAll(".bar")].filter((b) => b.getBoundingClientRect().width > 0).length,
		cut: cut.map(name), faint: faint.map(name),
		wide: document.documentElement.scrollWidth - window.innerWidth,
		assets: [...document.querySelectorAll("[src], link[href]")].filter((e) => !(e.src || e.href).startsWith("data:")).length,
		paper: getComputedStyle(document.body).backgroundColor,
	};
})()`

// Check fails the test if the page does not suit the screen: it has to be scrolled sideways, text is cut or hard to read, a
// chart is empty, or the scheme of colours is the other one.
func (l Layout) Check(t *testing.T, s Screen) {
	t.Helper()
	if l.Wide > 0 {
		t.Errorf("the page is %v pixels wider than a screen of %d", l.Wide, s.Width)
	}
	if len(l.Empty) > 0 || len(l.Cut) > 0 || len(l.Faint) > 0 {
		t.Errorf("nothing is drawn in %q; cut: %q; hard to read: %q", l.Empty, l.Cut, l.Faint)
	}
	if dark := l.Paper != "rgb(246, 246, 243)"; dark != (s.Scheme == "dark") {
		t.Errorf("background %s in the %s scheme", l.Paper, s.Scheme)
	}
}
