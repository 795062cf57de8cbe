package evaluation

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// signs resembles the data of street signs after training: few sequences of each class, and now and then one that the small
// net misclassifies throughout while the full model is right. Other seeds give other sequences of the
// same classes, as a pack built on these will see.
func signs(tracks int, seed uint64) *Table {
	const classes, frames = 12, 15
	rng := rand.New(rand.NewPCG(seed, 77))
	t := &Table{nets: []column{newColumn("full", roleFull, nil, classes, 1000), newColumn("small", roleSmall, nil, classes, 30)}}
	for c := range classes {
		t.classes = append(t.classes, string(rune('a'+c)))
		for range tracks {
			t.tracks = append(t.tracks, track{class: c, first: len(t.labels), frames: frames})
			seen := noise(rng, classes, 0.7)
			if rng.Float64() < 0.2 {
				seen[rng.IntN(classes)] += 1 + 5*rng.Float64() // a look-alike
			}
			for range frames {
				t.labels = append(t.labels, c)
				t.nets[0].answer(c, 7, noise(rng, classes, 1.5))
				shown := noise(rng, classes, 1.2)
				for i := range shown {
					shown[i] += seen[i]
				}
				t.nets[1].answer(c, 4.5, shown)
			}
		}
	}
	t.finish()
	if err := t.settle(); err != nil {
		panic(err)
	}
	return t
}

var signKinds = []Kind{{Active: 1, Dwell: 30}, {Active: 1, Dwell: 1000}, {Active: 3, Dwell: 200}, {Active: 5, Dwell: 30}, {}, {Mixed: true}}

var signEffort = effort{kinds: signKinds, rivals: []string{cascade, smallFull}, tune: 600, confirm: 3000, report: 300, rare: 600, seeds: 1}

func buildSigns(t *testing.T, table *Table, budget Budget) *Built {
	t.Helper()
	b, err := Build(t.Context(), table, &Nets{Name: "signs", Classes: table.classes, Input: testInput},
		Options{Name: "signs", Version: "1.0.0", Seed: 1, Progress: func(string) {}, Budget: budget, effort: signEffort})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// truth is many sequences of the same classes that took no part in building, and streams over them.
var truth = sync.OnceValue(func() *arena {
	t := signs(60, 1<<40)
	return newArena(t, t.tracks, signKinds, 9000, 99)
})

// trueWorst is the largest loss over kinds of stream on sequences that took no part in building.
func trueWorst(t *testing.T, s Setup) float64 {
	t.Helper()
	f, err := truth().run(t.Context(), rivalNamed(s.Rival), s)
	if err != nil {
		t.Fatal(err)
	}
	worst := f[0].Loss
	for _, k := range f {
		worst = max(worst, k.Loss)
	}
	return worst
}

// A pack's guarantee: over new sequences, at most alpha of the builds exceed the budget on some kind of
// stream that they have not seen. Tuning alone, on the same sequences, exceeds it more often.
func TestBuildsKeepTheBudgetOnEveryKind(t *testing.T) {
	seeds := 8
	if os.Getenv("CACHENET_TEST_LONG") != "" {
		seeds = 200
	}
	budget := Budget{Loss: 0.01, Margin: 0.003, First: 0.03, Locked: 0.02, Alpha: 0.1}
	over, loose, audited, own, speed := 0, 0, 0, 0, 0.0
	for seed := range seeds {
		card := buildSigns(t, signs(5, uint64(seed+1)), budget).Card
		c := card.Chosen
		over += count(trueWorst(t, c) > budget.Loss)
		if card.Audited != nil {
			own++
			audited += count(trueWorst(t, *card.Audited) > budget.Loss)
		}
		speed += c.Speedup / float64(seeds)
		if c.Rival != fullOnly {
			c.Settings.Threshold = c.Tuned
			loose += count(trueWorst(t, c) > budget.Loss)
		}
	}
	t.Logf("budget broken by %d of %d builds, by %d with thresholds as tuned; %.2f x the full model's speed; with audits by %d, of which %d have settings for them", over, seeds, loose, speed, audited, own)
	// 2 of 40 break it with audits, both among the first 8: fail where that many are unlikely (5 %) at the promised share
	if promised := (distuv.Binomial{N: float64(seeds), P: budget.Alpha}); 1-promised.CDF(float64(audited)-1) < 0.05 || own == 0 {
		t.Errorf("with audits %d of %d builds break the budget; %d have settings for them", audited, seeds, own)
	}
	if float64(over) > budget.Alpha*float64(seeds) {
		t.Errorf("%d of %d builds break the budget on some kind of stream", over, seeds)
	}
	if float64(loose) <= budget.Alpha*float64(seeds) {
		t.Errorf("thresholds as tuned break the budget in %d of %d builds: the test proves nothing", loose, seeds)
	}
}

// Where no small net can keep the budget, the pack uses the full model, its card says so, and it opens.
func TestAnUnreachableBudgetLeavesTheFullModel(t *testing.T) {
	table := signs(5, 3)
	b := buildSigns(t, table, Budget{Loss: 1e-6, First: 1e-6, Locked: 1e-6, Alpha: 0.1})
	if b.Manifest.Policy.Kind != policy.Full || len(b.Manifest.Specialists) != 1 || b.Manifest.Guarded != nil {
		t.Fatalf("%+v", b.Manifest)
	}
	if !strings.Contains(strings.Join(b.Card.Why, "\n"), "asks the full model about every frame") {
		t.Errorf("%q", b.Card.Why)
	}
	for _, row := range b.Card.Report.Rows {
		if row.Policy == thisPack && (row.Missing != "" || row.Mean.Loss != 0 || math.Abs(row.Mean.Speedup-1) > 1e-9) {
			t.Errorf("%+v", row)
		}
	}
}

// The card states the size of each part, and the loss on each kind of stream with its confidence limits.
func TestTheCardReportsItsEvidence(t *testing.T) {
	b := buildSigns(t, signs(8, 1), Budget{Loss: 0.02, Margin: 0.005, First: 0.06, Locked: 0.05, Alpha: 0.1})
	c := b.Card.Certificate
	frames, sequences := 0, 0
	for _, p := range c.Parts {
		frames, sequences = frames+p.Frames, sequences+p.Sequences
	}
	if len(c.Parts) != 3 || frames != b.Card.Frames || sequences != b.Card.Sequences {
		t.Errorf("parts %+v of %d frames in %d sequences", c.Parts, b.Card.Frames, b.Card.Sequences)
	}
	var text strings.Builder
	if err := b.Card.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, whole := range []string{text.String(), b.Card.Markdown()} {
		for _, k := range c.Kinds {
			if !(k.Lower <= k.Loss && k.Loss <= k.Upper) || !strings.Contains(whole, k.Kind) {
				t.Errorf("%+v in\n%s", k, whole)
			}
		}
		for _, want := range []string{"choose", "confirm", "report", "Tracks locked in on a wrong class"} {
			if !strings.Contains(whole, want) {
				t.Errorf("no %q in\n%s", want, whole)
			}
		}
	}
	if len(c.Kinds) != len(signKinds) {
		t.Errorf("%d kinds of stream", len(c.Kinds))
	}
}

// A pack that was built before gets the settings for audits that its build would give it now, and nothing else.
func TestABuiltPackGetsSettingsForAudits(t *testing.T) {
	const version = "1.1.0"
	table := signs(5, 3)
	built := buildSigns(t, table, Budget{Loss: 0.01, Margin: 0.003, First: 0.03, Locked: 0.02, Alpha: 0.1})
	if built.Manifest.Audited == nil {
		t.Fatalf("the build confirmed none: %q", built.Card.Why)
	}
	dir := t.TempDir()
	card := built.Card
	card.Certificate.Audited, card.Audited = nil, nil
	text, err := json.Marshal(card)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, cardJSON), text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := &models.Pack{Manifest: built.Manifest, Dir: dir}
	p.Audited = nil
	o := Options{Version: version, Progress: func(string) {}, effort: signEffort}
	got, err := Audit(t.Context(), p, table, o)
	if err != nil {
		t.Fatal(err)
	}
	wanted := built.Manifest
	wanted.Version = version
	if !reflect.DeepEqual(got.Manifest, wanted) {
		t.Errorf("%+v, want %+v", got.Manifest, wanted)
	}
	if !slices.Equal(got.Card.Certificate.Audited, built.Card.Certificate.Audited) || !slices.Equal(got.Card.Certificate.Kinds, card.Certificate.Kinds) {
		t.Errorf("%+v, want %+v", got.Card.Certificate, built.Card.Certificate)
	}
	if at := slices.IndexFunc(got.Card.Report.Rows, func(r Row) bool { return r.Policy == thisPackAudited }); at < 0 || got.Card.Report.Rows[at].Mean.Speedup <= 1 {
		t.Errorf("rows %+v", got.Card.Report.Rows)
	}
	if whole := got.Card.Markdown(); !strings.Contains(whole, "| with audits |") || !strings.Contains(whole, "# Model card: signs@"+version) {
		t.Errorf("card:\n%s", whole)
	}
	p.Dir = t.TempDir()
	if _, err := Audit(t.Context(), p, table, o); err == nil || !strings.Contains(err.Error(), "no model card") {
		t.Errorf("a pack without a card: %v", err)
	}
}

// The sequence goes from strict to loose, ends at the tuned threshold, and does not depend on the confirming part.
func TestThresholdsAreTestedFromStrictToLoose(t *testing.T) {
	for _, tuned := range []float64{loosest, 0, 2.3, 7, strictest} {
		all := sequence(tuned)
		if !slices.IsSortedFunc(all, func(a, b float64) int { return cmp.Compare(b, a) }) || all[0] != strictest || all[len(all)-1] != tuned {
			t.Errorf("%v: %v", tuned, all)
		}
	}
}
