package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/models/policy"
)

// recorded are the facts that all tests play with; reading them takes a second.
var recorded = sync.OnceValues(func() (*facts, error) { return readFacts("testdata/cifar10.facts.gz") })

func cifar(t *testing.T) *facts {
	t.Helper()
	f, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The short form of make bench-edge: every contender on a third of the links, and the document and the picture made of it.
func TestShortForm(t *testing.T) {
	f, o := cifar(t), options{seeds: 1, devices: 2, frames: 40}
	p := plan{plain: f.Window, window: f.Window, paper: defaultPaper, forms: []int{0, 3}, smallest: 3}
	p.window.AuditRate = auditRate
	r := &result{facts: f, plan: p}
	for i, c := range conditions(4 * time.Second) {
		if i%3 != 2 && c.Name != tuning().Name && len(c.phases) == 1 {
			continue
		}
		for _, factor := range factors {
			one := cell{c, factor, map[string][]figures{}}
			if err := one.play(f, p, o); err != nil {
				t.Fatal(err)
			}
			r.cells = append(r.cells, one)
		}
	}
	for _, c := range r.cells {
		if got := c.byName[oursHere][0]; got.Dropped > 0 {
			t.Errorf("%s, %g x: ours drops frames", c.Name, c.factor)
		}
		small, first := c.byName[deviceSmall][0], c.byName[provisional][0]
		if first.FirstP95 > small.P95 {
			t.Errorf("%s, %g x: first answers take %.2f ms, the small net alone %.2f", c.Name, c.factor, first.FirstP95, small.P95)
		}
	}
	d := document{o, []*result{r}}
	for _, want := range []string{"simulation in virtual time", oursBandit, "switches between", "1/"} {
		if !strings.Contains(d.markdown(), want) {
			t.Errorf("the document does not say %q", want)
		}
	}
	file := filepath.Join(t.TempDir(), "edge.svg")
	if err := d.draw(file); err != nil {
		t.Fatal(err)
	}
	if svg, _ := os.ReadFile(file); !strings.HasSuffix(string(svg), "</svg>\n") || strings.Count(string(svg), "<rect") < len(r.cells) {
		t.Error("the picture lacks cells")
	}
	if d.draw("edge.pdf") == nil {
		t.Error("a picture of a form that cannot be drawn")
	}
}

// at is a link of constants.
func at(rate float64, rtt time.Duration) condition {
	return condition{phases: []phase{{shape: link.Shape{Rate: rate, RTT: rtt}}}}
}

func byName(t *testing.T, p plan, name string) contender {
	t.Helper()
	all := contenders(p)
	i := slices.IndexFunc(all, func(k contender) bool { return k.Name == name })
	if i < 0 {
		t.Fatalf("no contender %q", name)
	}
	return all[i]
}

func play(t *testing.T, f *facts, c condition, k contender, devices, frames int) tally {
	t.Helper()
	got, err := simulate(f, f.Report, c, 1, k, devices, frames, 7)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEveryFrameHasOneOutcome(t *testing.T) {
	f := cifar(t)
	cut := at(5e6, 50*time.Millisecond)
	cut.cut = [2]time.Duration{2 * time.Second, 8 * time.Second}
	for _, k := range contenders(plan{plain: f.Window, window: f.Window, paper: defaultPaper, forms: []int{0}}) {
		got := play(t, f, cut, k, 3, 120)
		if len(got.frames) != 360 {
			t.Errorf("%s: %d outcomes of 360 frames", k.Name, len(got.frames))
		}
		again := play(t, f, cut, k, 3, 120)
		if !slices.Equal(got.frames, again.frames) || got.up != again.up {
			t.Errorf("%s: the same seed gives another run", k.Name)
		}
	}
}

// On an idle link the latency of server only is the sum of its parts.
func TestServerOnlyTakesWhatItsPartsTake(t *testing.T) {
	f := cifar(t)
	got := play(t, f, at(8e6, 40*time.Millisecond), byName(t, plan{}, serverOnly), 1, 50)
	for _, o := range got.frames {
		bytes := int(f.Forms[0].Bytes[o.row]) + recordBytes + answerBytes
		if n := len(listed(f.full[0][o.row], true)); n > 1 {
			bytes += n * rankedBytes
		}
		want := 40*time.Millisecond + time.Duration(bytes)*time.Microsecond + micros(f.Forms[0].DecodeUs+f.Full.Us)
		if d := o.settled - want; d < -time.Microsecond || d > time.Microsecond {
			t.Fatalf("%v, its parts take %v", o.settled, want)
		}
		if o.class != f.best[o.row] {
			t.Fatal("not the full model's answer")
		}
	}
}

// A slow link that cannot carry every frame makes server only drop some, and ours none.
func TestTooSlowALinkDropsOnlyWhereNothingElseAnswers(t *testing.T) {
	f := cifar(t)
	slow := at(40e3, 50*time.Millisecond)
	p := plan{plain: f.Window, window: f.Window, forms: []int{0}}
	server := play(t, f, slow, byName(t, p, serverOnly), 1, 200)
	if r := server.figures(f); r.Dropped < 0.1 {
		t.Errorf("server only drops %.2f of the frames", r.Dropped)
	}
	ours := play(t, f, slow, byName(t, p, oursRule), 1, 200)
	if r := ours.figures(f); r.Dropped != 0 || r.Accuracy == 0 {
		t.Errorf("ours: %+v", r)
	}
}

// The server works on what waits as one batch.
func TestTheServerBatches(t *testing.T) {
	f := cifar(t)
	w := &world{facts: f, factor: 1}
	e := newEndpoint(w, condition{phases: []phase{{}}}, 1)
	var done []time.Duration
	for range 3 {
		e.ask(0, &request{back: func(at time.Duration) { done = append(done, at) }})
	}
	w.play()
	if len(done) != 3 || done[1] != done[2] || done[0] >= done[1] {
		t.Errorf("answers at %v: the first goes alone, the others together", done)
	}
}

func TestTemperatureAndFigures(t *testing.T) {
	// one output is right in three of four frames and says 95 %: the best temperature makes that 75 %
	logits := quantise([]float32{3, 0, 3, 0, 3, 0, 3, 0})
	temperature := fitTemperature(logits, 2, []int{0, 0, 0, 1}, []int{0, 1, 2, 3})
	p, err := policy.Probabilities([]float32{3, 0}, float32(temperature))
	if err != nil || p[0] < 0.72 || p[0] > 0.78 {
		t.Errorf("temperature %.2f gives %v, %v", temperature, p, err)
	}
	if got := quantile([]float64{1, 2, 3, 4}, 0.5); got != 2 {
		t.Errorf("median %v", got)
	}
	if mean, worst := geometric([]float64{1, 4}); mean != 2 || worst != 1 {
		t.Errorf("geometric mean %v, worst %v", mean, worst)
	}
	if got := relabel([]int{5, 2, 0}, []int{2, 5}); !slices.Equal(got, []int{1, 0, 2}) {
		t.Errorf("outputs %v", got)
	}
}

// An audited hit keeps its answer, and has its row when the server has answered.
func TestAuditedHitsKeepTheirAnswer(t *testing.T) {
	f := cifar(t)
	p := plan{window: f.Window, forms: []int{0}}
	p.window.Threshold, p.window.AuditRate = 0.5, 1
	audited, wrong := 0, 0
	for _, o := range play(t, f, at(1e8, 40*time.Millisecond), byName(t, p, oursFixed), 2, 100).frames {
		if !o.hit {
			continue
		}
		audited++
		wrong += int(share(o.class != f.best[o.row]))
		if o.settled < 40*time.Millisecond || o.class != o.early && o.first < o.settled {
			t.Fatalf("%+v", o)
		}
	}
	if audited < 20 || wrong == 0 {
		t.Errorf("%d audited hits, of which %d are not the full model's answer: neither may be none", audited, wrong)
	}
}

// Fused answers are more accurate than the server's here, and answers of one class have little to fuse.
func TestFusingNeedsSeveralClasses(t *testing.T) {
	f := cifar(t)
	p := plan{window: f.Window, forms: []int{0}}
	p.all.Prior = 1
	accuracy := map[string]float64{}
	for _, name := range []string{serverOnly, oneFused, allFused} {
		got := play(t, f, at(1e8, 40*time.Millisecond), byName(t, p, name), 4, 300)
		accuracy[name] = got.figures(f).Accuracy
	}
	if accuracy[allFused] < accuracy[serverOnly]+0.01 || accuracy[allFused] < accuracy[oneFused]+0.005 {
		t.Errorf("%v", accuracy)
	}
}

// What the window gains on some kinds of stream must not pay for what others lose.
func TestThresholdsKeepTheBudgetOnEveryKindOfStream(t *testing.T) {
	f := cifar(t)
	s := f.Window
	if err := threshold(f, &s, "small", 60); err != nil {
		t.Fatal(err)
	}
	got, err := trial(f, contender{nets: "small", settings: s, miss: offload.Ask}, 60)
	if err != nil || got.worst > budget-reserve || got.hits < 0.3 {
		t.Errorf("threshold %v: %+v, %v", s.Threshold, got, err)
	}
	s.Threshold = 0
	if all, err := trial(f, contender{nets: "small", settings: s, miss: offload.Ask}, 60); err != nil || all.worst <= got.worst || all.hits != 1 {
		t.Errorf("without misses: %+v, %v", all, err)
	}
}
