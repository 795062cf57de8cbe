// Package page draws the outcomes of a run as one self-contained HTML page: no script of others, no remote asset, charts
// as SVG drawn here. A [Collector] takes rows one by one and keeps aggregates only, so the page of a hundred million rows
// is as small as that of a thousand:
//
//	time      at most 240 slots, which double in width when they do not reach
//	streams   counts of up to 100,000; a strip over time of the first 4,096; the 40 worst are drawn, 1,000 are listed
//	pairs     up to 10,000 pairs of an answer and what it should have been
//	latency   a histogram with slots of 3 %
//
// What is beyond a bound is counted as a whole, and the page says so.
package page
