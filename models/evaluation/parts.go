package evaluation

import "slices"

// Part is a share of the held-out sequences and what it is used for. No sequence is in two parts.
type Part struct {
	Name      string `json:"name"`      // choose, confirm or report
	Purpose   string `json:"purpose"`   // in plain words
	Frames    int    `json:"frames"`    // labelled images
	Sequences int    `json:"sequences"` // recordings that they belong to
	Classes   int    `json:"classes"`   // that have a sequence here
}

// parts are the held-out sequences by what they may be used for.
type parts struct {
	choose  []track // tunes every policy
	confirm []track // tests whether what was chosen holds the budget, from strict to loose
	report  []track // gives the figures of the card; those of confirm where there are too few sequences for three parts
}

// enoughForThree is how many sequences of each class, in the median, make three parts worth having: with fewer most
// classes would be missing from one of them.
const enoughForThree = 3

// parts splits the sequences of every class, never the frames of one sequence: where neighbouring frames are in two
// parts, one part has seen the other's answers. Half of them confirm, since a bound is as tight as it has sequences.
func (t *Table) parts() parts {
	const choose, confirm, report = 0, 1, 2
	turns := []int{confirm, choose, confirm, report}
	count := t.sequencesOf()
	if median(count) < enoughForThree {
		turns = []int{choose, confirm}
	}
	next := make([]int, len(t.classes)) // turn of the class's next sequence; it starts elsewhere for each class, so that parts are of a size
	at := 0
	for c := range next {
		next[c] = at
		at += count[c]
	}
	var split [3][]track
	for _, tr := range t.tracks {
		to := turns[next[tr.class]%len(turns)]
		split[to] = append(split[to], tr)
		next[tr.class]++
	}
	if len(split[report]) == 0 {
		split[report] = split[confirm]
	}
	return parts{choose: split[choose], confirm: split[confirm], report: split[report]}
}

// shared reports whether the figures come from the sequences that confirmed.
func (p parts) shared() bool { return len(p.report) > 0 && slices.Equal(p.confirm, p.report) }

// describe lists the parts for the card.
func (p parts) describe() []Part {
	all := []Part{newPart("choose", "temperatures, settings and the choice between policies", p.choose)}
	if p.shared() {
		return append(all, newPart("confirm", "thresholds, made stricter until a bound holds the budget; and the figures, since there are too few sequences for three parts", p.confirm))
	}
	return append(all, newPart("confirm", "thresholds, made stricter until a bound holds the budget", p.confirm), newPart("report", "the figures: nothing was chosen here", p.report))
}

func newPart(name, purpose string, tracks []track) Part {
	p := Part{Name: name, Purpose: purpose, Sequences: len(tracks)}
	classes := map[int]bool{}
	for _, t := range tracks {
		p.Frames += t.frames
		classes[t.class] = true
	}
	p.Classes = len(classes)
	return p
}

// sequencesOf returns how many sequences each class has.
func (t *Table) sequencesOf() []int {
	count := make([]int, len(t.classes))
	for _, tr := range t.tracks {
		count[tr.class]++
	}
	return count
}

// median of counts, those of zero left out.
func median(counts []int) int {
	some := slices.DeleteFunc(slices.Clone(counts), func(n int) bool { return n == 0 })
	if len(some) == 0 {
		return 0
	}
	slices.Sort(some)
	return some[len(some)/2]
}
