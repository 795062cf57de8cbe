package evaluation

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"

	"pgregory.net/rapid"
)

// With many classes every rival on ranked distributions matches the policy's own code, frame by frame, except
// for rounding.
func TestManyClassesAreDecidedAsFew(t *testing.T) {
	for name, table := range map[string]*Table{"sure": withContexts(synthetic(200, 2, 12, 6, 3), 30), "unsure": unsure(200, 30, 60, 12, 3)} {
		if !table.ranked {
			t.Fatal("the table has no rankings")
		}
		dense := *table
		dense.ranked = false
		arenaOf := func(of *Table) *arena {
			return newArena(of, of.tracks, []Kind{{Active: 1, Dwell: 30}, {Active: 5, Dwell: 200, Aligned: true}, {}, {Active: 3, Dwell: 200, Rare: true}}, 1200, 1)
		}
		for _, r := range rivals() {
			for _, edit := range []func(*Setup){
				func(*Setup) {},
				func(s *Setup) { s.Settings.Guard, s.Settings.Tries, s.Settings.Capacity = 0.05, 2, 3 },
				func(s *Setup) { s.Settings.Slow, s.Settings.Share, s.Settings.Decay = 0.98, 0.05, 0.94 },
				func(s *Setup) { // below 0.5 "other" may be more likely than the answer
					if s.Settings.Score == policy.Confidence {
						s.Settings.Threshold = 0.2
					}
				},
			} {
				s := startOf(r)
				edit(&s)
				got, err := arenaOf(table).run(t.Context(), r, s)
				if err != nil {
					t.Fatal(err)
				}
				want, err := arenaOf(&dense).run(t.Context(), r, s)
				if err != nil {
					t.Fatal(err)
				}
				for k := range got {
					for i, v := range got[k].values() {
						if w := *want[k].values()[i]; math.Abs(*v-w) > 2e-3*max(1, math.Abs(w)) {
							t.Errorf("%s: %s, %+v, kind %d: figure %d is %v, by the policy's own code %v", name, r.name, s.Settings, k, i, *v, w)
						}
					}
				}
			}
		}
	}
}

// startOf are settings of a rival with which it has hits and misses.
func startOf(r rival) Setup {
	s := Setup{Small: "small", Settings: r.start}
	if r.like != "" {
		s.Settings = rivalNamed(r.like).start
	}
	if s.Settings.Threshold > 0.3 {
		s.Settings.Threshold = 0.6
	}
	return s
}

// Where no decision would differ, a search over thresholds takes the result of another threshold: the figures and the counts of each track
// are those of playing again.
func TestResultsOfOtherThresholdsAreReused(t *testing.T) {
	table := unsure(150, 20, 40, 12, 4)
	kinds := []Kind{{Active: 1, Dwell: 30}, {Active: 3, Dwell: 200}}
	for _, name := range []string{smallFull, smallAdaptive, specialistsPrior, paper} {
		r, s := rivalNamed(name), startOf(rivalNamed(name))
		shared := newArena(table, table.tracks, kinds, 600, 1)
		shared.done = new(atomic.Int64)
		all := []float64{12, 8, 2.5, 2.45, 2.44, 1, 0.5, 0.499, 12, 2.44, -1}
		for _, z := range all {
			s.Settings.Threshold = threshold(s.Settings.Score, z)
			got, gotTracks, err := shared.measure(t.Context(), r, s)
			if err != nil {
				t.Fatal(err)
			}
			want, wantTracks, err := newArena(table, table.tracks, kinds, 600, 1).measure(t.Context(), r, s)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotTracks, wantTracks) {
				t.Errorf("%s at %v: %+v, played again %+v", name, z, got, want)
			}
		}
		if played, most := shared.done.Load(), int64(len(all)*len(kinds)*600); played >= most {
			t.Errorf("%s: %d frames were played, %d if nothing were reused", name, played, most)
		}
		before := shared.done.Load()
		s.Settings.Decay = 0.33
		if _, _, err := shared.measure(t.Context(), r, s); err != nil || shared.done.Load() == before {
			t.Errorf("%s: results of other settings were taken: %v", name, err)
		}
	}
}

// With many classes, distributions replace the logits; recomputed at other temperatures they equal those computed
// directly.
func TestManyClassesAreRecomputed(t *testing.T) {
	twice, once := synthetic(150, 2, 3, 2, 5), synthetic(150, 2, 3, 2, 5)
	if twice.nets[0].logits != nil {
		t.Fatal("logits are kept in addition to the distributions")
	}
	for _, table := range []*Table{twice, once} {
		for i := range table.nets {
			table.nets[i].Temperature = 1.7
		}
	}
	for range 3 {
		if err := twice.settle(); err != nil {
			t.Fatal(err)
		}
	}
	if err := once.settle(); err != nil {
		t.Fatal(err)
	}
	for i, v := range twice.nets[1].shares {
		if w := once.nets[1].shares[i]; math.Abs(float64(v-w)) > 1e-5 {
			t.Fatalf("share %d is %v, computed directly %v", i, v, w)
		}
	}
}

func TestFewClassesAreNotRanked(t *testing.T) {
	table := synthetic(12, 2, 6, 2, 1)
	p, err := table.player(rivalNamed(smallFull), Setup{Small: "small", Settings: rivalNamed(smallFull).start})
	if err != nil || p.many != nil {
		t.Errorf("12 classes are simulated on rankings: %v", err)
	}
}

func TestRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float32Range(0, 3), 1, 60).Draw(t, "values")
		for i := range values {
			values[i] = float32(math.Round(float64(values[i]))) / 3 // many are equal
		}
		top := make([]int32, rapid.IntRange(1, len(values)).Draw(t, "ranked"))
		rankInto(top, values)
		want := make([]int32, len(values))
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int {
			switch {
			case values[a] > values[b]:
				return -1
			case values[a] < values[b]:
				return 1
			}
			return 0
		})
		if !slices.Equal(top, want[:len(top)]) {
			t.Fatalf("%v of %v, expected %v", top, values, want[:len(top)])
		}
	})
}

// BenchmarkBuildManyClasses measures building a pack over 1,000 classes: run it with -benchtime 1x.
func BenchmarkBuildManyClasses(b *testing.B) {
	for b.Loop() {
		table := synthetic(1000, 3, 3, 16, 1)
		nets := &Nets{Name: "many", Classes: table.classes, Input: models.InputSize{Width: 32, Height: 32}}
		for _, c := range table.nets {
			nets.All = append(nets.All, c.Net)
		}
		start := time.Now()
		built, err := Build(b.Context(), table, nets, Options{Name: "many", Version: "1.0.0", Seed: 1, Budget: DefaultBudget(), Progress: func(step string) {
			fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(start).Seconds(), step)
		}})
		if err != nil {
			b.Fatal(err)
		}
		b.Log(built.Card.Why)
	}
}

func BenchmarkReplayManyClasses(b *testing.B) {
	table := synthetic(1000, 1, 4, 16, 1)
	for _, ranked := range []bool{true, false} {
		table.ranked = ranked
		a := newArena(table, table.tracks, []Kind{{Active: 3, Dwell: 200}}, 3000, 1)
		for _, name := range []string{smallFull, smallAdaptive, specialistsPrior} {
			r := rivalNamed(name)
			s := Setup{Small: "small", Settings: r.start}
			b.Run(map[bool]string{true: "ranked ", false: "dense "}[ranked]+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := a.run(b.Context(), r, s); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/3000, "ns/frame")
			})
		}
	}
}
