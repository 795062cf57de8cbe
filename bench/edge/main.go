// Command edge simulates devices and a server over links, with measured nets and the code that decides on devices, and
// writes docs/bench-edge.md (make bench-edge).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/models/evaluation"
)

// options of a run.
type options struct {
	pack, scenes, cifar, nets, data, source, out, picture string
	seeds, devices, frames                                int
	amount                                                amount
}

func main() {
	o := options{amount: amount{tune: 3, report: 4, frames: 15}}
	flag.StringVar(&o.pack, "pack", "models/packs/scenes", "pack for the rendered scenes")
	flag.StringVar(&o.scenes, "scenes", "", "file that keeps the measurements of the scenes for another run; empty: none")
	flag.StringVar(&o.cifar, "cifar10", "bench/edge/testdata/cifar10.facts.gz", "facts about CIFAR-10, as -nets recorded them; empty: none")
	flag.StringVar(&o.nets, "nets", "", "with -data: nets or pack to record facts with, into the file -cifar10")
	flag.StringVar(&o.data, "data", "", "with -nets: image folder")
	flag.StringVar(&o.source, "source", "CIFAR-10, nets of make pack-cifar10", "with -nets: what the document says of them")
	flag.StringVar(&o.out, "out", "", "document to write; empty: to stdout")
	flag.StringVar(&o.picture, "picture", "", ".svg to draw; empty: none")
	flag.IntVar(&o.seeds, "seeds", 5, "seeds that figures come from")
	flag.IntVar(&o.devices, "devices", 4, "devices that share the server")
	flag.IntVar(&o.frames, "frames", 450, "frames of each device, ten a second")
	flag.IntVar(&o.amount.report, "sequences", o.amount.report, "rendered sequences of each class that figures come from")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "edge:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	start := time.Now()
	if o.nets != "" {
		f, err := folderFacts("cifar10", o.nets, o.data, o.source, amount{tune: 200, report: 300, frames: 1})
		if err != nil {
			return err
		}
		return f.save(o.cifar)
	}
	scenes, err := o.sceneFacts()
	if err != nil {
		return err
	}
	say(start, "measured the scenes")
	all := []*facts{scenes}
	if o.cifar != "" {
		cifar, err := readFacts(o.cifar)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			say(start, "no facts about CIFAR-10: left out")
		case err != nil:
			return err
		default:
			all = append(all, cifar)
		}
	}
	var results []*result
	for _, f := range all {
		r, err := contest(f, o)
		if err != nil {
			return err
		}
		results = append(results, r)
		say(start, "played "+f.Name)
	}
	d := document{options: o, results: results}
	if o.picture != "" {
		if err := d.draw(o.picture); err != nil {
			return err
		}
	}
	if o.out == "" {
		fmt.Print(d.markdown())
		return nil
	}
	return os.WriteFile(o.out, []byte(d.markdown()), 0o666)
}

// sceneSeed is the first seed of the rendered sequences; packs are trained and tested on others.
const sceneSeed = 515100

// sceneFacts measures the scenes, or reads the measurements that an earlier run left.
func (o options) sceneFacts() (*facts, error) {
	if o.scenes == "" {
		return sceneFacts(o.pack, o.amount, sceneSeed)
	}
	f, err := readFacts(o.scenes)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if f, err = sceneFacts(o.pack, o.amount, sceneSeed); err != nil {
		return nil, err
	}
	return f, f.save(o.scenes)
}

func say(start time.Time, what string) {
	fmt.Fprintf(os.Stderr, "%4.0f s  %s\n", time.Since(start).Seconds(), what)
}

// firstSeed is the first seed of the reported streams; nothing was tuned on them.
const firstSeed = 201

// factors are how many times slower than this machine a device is.
var factors = []float64{1, 5, 20}

// cell is a link and a device.
type cell struct {
	condition
	factor float64
	byName map[string][]figures // of each contender, one for each seed
}

// result is everything about one data set.
type result struct {
	facts *facts
	plan  plan
	cells []cell

	fused   []float64 // points of accuracy of fused answers over the better of device only and server only, of each of fusedSeeds
	unlocal []float64 // accuracy lost by ours, full on device, on streams without locality, of each seed
}

// contest runs all contenders in all cells.
func contest(f *facts, o options) (*result, error) {
	p, err := tune(f, o.frames)
	if err != nil {
		return nil, err
	}
	r := &result{facts: f, plan: p}
	for _, c := range conditions(time.Duration(o.frames) * framePeriod) {
		for _, factor := range factors {
			r.cells = append(r.cells, cell{c, factor, map[string][]figures{}})
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i := range r.cells {
		g.Go(func() error { return r.cells[i].play(f, p, o) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := r.fusedGaps(o); err != nil {
		return nil, err
	}
	return r, r.withoutLocality(o)
}

// fusedSeeds is how many seeds fused answers are compared on: wrong sequences are rare, and one seed contains few of them.
const fusedSeeds = 40

// fusedGaps compares fused answers with those of the better of device only and server only, on the link that settings are tuned on.
func (r *result) fusedGaps(o options) error {
	all := contenders(r.plan)
	for seed := range fusedSeeds {
		accuracy := map[string]float64{}
		for _, name := range []string{deviceSmall, serverOnly, allFused} {
			k := all[slices.IndexFunc(all, func(k contender) bool { return k.Name == name })]
			t, err := simulate(r.facts, r.facts.Report, tuning(), 5, k, o.devices, o.frames, uint64(firstSeed+seed))
			if err != nil {
				return err
			}
			accuracy[name] = t.figures(r.facts).Accuracy
		}
		r.fused = append(r.fused, 100*(accuracy[allFused]-max(accuracy[serverOnly], accuracy[deviceSmall])))
	}
	return nil
}

// withoutLocality measures the accuracy lost on streams without locality.
func (r *result) withoutLocality(o options) error {
	all := contenders(r.plan)
	k := all[slices.IndexFunc(all, func(k contender) bool { return k.Name == oursHere })]
	k.kinds = []evaluation.Kind{{}}
	for seed := range o.seeds {
		t, err := simulate(r.facts, r.facts.Report, tuning(), 5, k, o.devices, o.frames, uint64(firstSeed+seed))
		if err != nil {
			return err
		}
		lost := 0.0
		for _, f := range t.frames {
			lost += share(r.facts.best[f.row] == r.facts.Labels[f.row]) - share(f.class == r.facts.Labels[f.row])
		}
		r.unlocal = append(r.unlocal, 100*lost/float64(len(t.frames)))
	}
	return nil
}

func (c *cell) play(f *facts, p plan, o options) error {
	for _, k := range contenders(p) {
		for seed := range o.seeds {
			t, err := simulate(f, f.Report, c.condition, c.factor, k, o.devices, o.frames, uint64(firstSeed+seed))
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.Name, k.Name, err)
			}
			c.byName[k.Name] = append(c.byName[k.Name], t.figures(f))
		}
	}
	return nil
}
