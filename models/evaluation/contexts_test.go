package evaluation

import (
	"slices"
	"strings"
	"testing"
)

// withContexts adds to a table a copy of each specialist as one for a context, at its own cost.
func withContexts(t *Table, us float64) *Table {
	for _, c := range slices.Clone(t.role(roleSpecialist)) {
		copied := *c
		copied.Role, copied.SHA256, copied.us = roleContext, "context of "+c.SHA256, us
		t.nets = append(t.nets, copied)
	}
	t.rank()
	return t
}

// Specialists by context and by confused classes are alternatives: what wins ships, alone, and the card says by how much.
func TestSpecialistsByContextCompete(t *testing.T) {
	for _, c := range []struct {
		name string
		us   float64
		ship bool
	}{{"faster", 1, true}, {"slower", 900, false}} {
		t.Run(c.name, func(t *testing.T) {
			table := withContexts(synthetic(4, 8, 12, 2, 3), c.us)
			b, err := Build(t.Context(), table, &Nets{Name: "synthetic", Classes: table.classes, Input: testInput},
				Options{Name: "synthetic", Version: "1.0.0", Seed: 1, Progress: func(string) {}, Budget: Budget{Loss: 0.03, Margin: 0.01, First: 0.1, Locked: 1},
					effort: effort{rivals: []string{smallFull, specialistsPrior, contextsPrior}, kinds: []Kind{{Active: 2, Dwell: 30, Aligned: true}}, tune: 300, confirm: 600, report: 300, rare: 300, seeds: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if shipped := b.Card.Chosen.Rival == contextsPrior; shipped != c.ship {
				t.Fatalf("chose %q: %v", b.Card.Chosen.Rival, b.Card.Why)
			}
			for _, n := range b.Card.Nets {
				if n.Role == roleContext && (n.Ships != "") != c.ship {
					t.Errorf("%s ships as %q", n.SHA256, n.Ships)
				}
			}
			if c.ship && len(b.Manifest.Specialists) != 2 {
				t.Errorf("%d specialists ship, there are 2 contexts", len(b.Manifest.Specialists))
			}
			if why := strings.Join(b.Card.Why, "\n"); !strings.Contains(why, "by context") {
				t.Errorf("the card does not compare contexts with classes:\n%s", why)
			}
		})
	}
}

// Packs without such nets have no rows about them.
func TestContextsAreNoRivalsWithoutNets(t *testing.T) {
	named := func(all []rival) bool {
		return slices.ContainsFunc(all, func(r rival) bool { return r.nets == roleContext })
	}
	table := synthetic(4, 4, 4, 2, 1)
	if named(table.plays()) {
		t.Error("contexts compete, but there are no nets for them")
	}
	if !named(withContexts(table, 30).plays()) {
		t.Error("nets for contexts do not compete")
	}
}
