package evaluation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cachenet/cachenet/models"
)

// unsure makes a table as a classifier of many classes gives on frames that show none of them: a best guess of 0.1 to 0.2, hundreds of classes
// with a little each, another answer to every third frame. Only shown of the classes have tracks. The small net agrees on half of the frames;
// there are four class groups and three contexts.
func unsure(classes, shown, tracks, frames int, seed uint64) *Table {
	rng := rand.New(rand.NewPCG(seed, 2))
	t := &Table{}
	for c := range classes {
		t.classes = append(t.classes, className(c))
	}
	t.nets = []column{
		newColumn("full", roleFull, nil, classes, 10000), newColumn("small", roleSmall, nil, classes, 100), newColumn("selector", roleSelector, nil, classes, 60),
	}
	for role, n := range map[string]int{roleSpecialist: 4, roleContext: 3} {
		for g := range n {
			var own []int
			for c := g; c < shown; c += n {
				own = append(own, c)
			}
			t.nets = append(t.nets, newColumn(fmt.Sprintf("%s%d", role, g), role, own, classes, 100))
		}
	}
	slices.SortStableFunc(t.nets[3:], func(a, b column) int { return -len(a.Role) + len(b.Role) })
	for i := range tracks {
		class := rng.IntN(1 + rng.IntN(shown)) // some are shown much more often than others
		t.tracks = append(t.tracks, track{class: class, first: i * frames, frames: frames})
		bias := noise(rng, classes, 1.2)
		for range frames {
			t.labels = append(t.labels, class)
			seen := noise(rng, classes, 0.9)
			for c := range seen {
				seen[c] += bias[c]
			}
			blurred := noise(rng, classes, 0.7)
			for c := range blurred {
				blurred[c] += 0.7 * seen[c]
			}
			for n := range t.nets {
				if t.nets[n].Role == roleFull {
					t.nets[n].answer(class, 4.5, seen)
				} else {
					t.nets[n].answer(class, 3, blurred)
				}
			}
		}
	}
	t.finish()
	if err := t.settle(); err != nil {
		panic(err)
	}
	return t
}

// netsOf lists the nets of a table as training does.
func netsOf(t *Table) *Nets {
	n := &Nets{Name: "many", Classes: t.classes, Input: models.InputSize{Width: 32, Height: 32}}
	for _, c := range t.nets {
		n.All = append(n.All, c.Net)
	}
	return n
}

// BenchmarkBuildUnsure measures building a pack over 1,000 classes from 20,000 frames of a classifier that has low confidence: run it with
// -benchtime 1x.
func BenchmarkBuildUnsure(b *testing.B) {
	table := unsure(1000, 60, 400, 50, 1)
	for b.Loop() {
		start := time.Now()
		budget := DefaultBudget()
		budget.Loss, budget.Margin, budget.Locked = 0.05, 0.015, 1
		built, err := Build(b.Context(), table, netsOf(table), Options{Name: "many", Version: "1.0.0", Seed: 1, Agreement: true, Budget: budget, Progress: func(step string) {
			fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(start).Seconds(), step)
		}})
		if err != nil {
			b.Fatal(err)
		}
		b.Log(built.Card.Why)
	}
}

// BenchmarkReplayUnsure measures one decision over 1,000 classes where the classifier has low confidence.
func BenchmarkReplayUnsure(b *testing.B) {
	table := unsure(1000, 60, 100, 20, 1)
	a := newArena(table, table.tracks, []Kind{{Active: 3, Dwell: 200}}, 6000, 1)
	for _, name := range []string{smallFull, smallAdaptive, specialistsPrior, contextsShared, maskedGlobal, paper} {
		r := rivalNamed(name)
		s := Setup{Small: "small", Settings: r.start}
		if s.Settings.Share > 0 {
			s.Settings.Slow = 0.98
		}
		b.Run(name, func(b *testing.B) {
			var f []Figures
			for b.Loop() {
				var err error
				if f, err = a.run(b.Context(), r, s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/6000, "ns/frame")
			b.ReportMetric(f[0].HitRate, "hits")
			b.ReportMetric(f[0].Loss, "loss")
		})
	}
}
