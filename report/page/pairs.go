package page

import (
	"cmp"
	"slices"
)

// pair is an answer of a small net and what it should have been.
type pair struct{ answer, reference string }

// pairs counts the wrong hits by pair.
type pairs struct {
	counts   map[pair]int64
	compared int64 // hits with something to compare them with
	wrong    int64
	beyond   int64 // of the wrong ones, those of pairs beyond the bound
}

func (p *pairs) add(answer, reference string) {
	if reference == "" {
		return
	}
	p.compared++
	if answer == reference {
		return
	}
	p.wrong++
	key := pair{answer, reference}
	if _, known := p.counts[key]; !known && len(p.counts) >= maxPairs {
		p.beyond++
		return
	}
	p.counts[key]++
}

// counted is a pair with its count.
type counted struct {
	pair
	n int64
}

// most returns the n most frequent pairs.
func (p *pairs) most(n int) []counted {
	var all []counted
	for k, v := range p.counts {
		all = append(all, counted{k, v})
	}
	slices.SortFunc(all, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.answer, b.answer), cmp.Compare(a.reference, b.reference))
	})
	return all[:min(n, len(all))]
}
