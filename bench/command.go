package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func measureCommand() *cobra.Command {
	var p plan
	c := &cobra.Command{
		Use:   "measure",
		Short: "Measure contenders side by side and write results.json and results.md",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := p.run(c.Context())
			fmt.Fprint(c.OutOrStdout(), r.markdown())
			return errors.Join(err, r.whole())
		},
	}
	p.flags(c.Flags())
	return c
}

func (p *plan) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&p.Sizes, "sizes", []string{"32x32", "640x480", "1280x720"}, "of frames")
	f.StringSliceVar(&p.Contenders, "contenders", nil, "ids (default all)")
	f.IntVar(&p.Rounds, "rounds", 5, "interleaved rounds")
	f.IntVar(&p.Frames, "frames", 0, "frames of each stream (default the size's own)")
	f.IntVar(&p.Streams, "streams", 48, "streams")
	f.IntVar(&p.Chunk, "chunk", 16, "frames of one stream that follow one another in the topic")
	f.IntVar(&p.Partitions, "partitions", 6, "partitions of each topic")
	f.DurationVar(&p.Limit, "limit", 3*time.Minute, "for one run of one contender")
	f.DurationVar(&p.Budget, "budget", time.Hour, "no further round begins after this")
	f.BoolVar(&p.Sweep, "sweep", true, "find each peer's best setting first")
	f.StringVar(&p.Earlier, "earlier", "", "results.json of the same machine and versions: settings of peers that its searches found slower by more than 15 % are not tried again")
	f.BoolVar(&p.Latency, "latency", true, "measure latency at half of the frames/s too")
	f.StringSliceVar(&p.Also, "also", nil, "NAME=BINARY: another build of cachenet to measure beside it")
	f.StringVar(&p.Cachenet, "cachenet", "bin/cachenet", "binary")
	f.StringVar(&p.Loop, "loop", "bin/cachenet-bench-loop", "binary of bench/loop")
	f.StringVar(&p.Python, "python", "python3", "interpreter that has bench/peers/requirements.txt")
	f.StringVar(&p.Peers, "peers", "bench/peers", "folder of the Python peers")
	f.StringVar(&p.Pack, "pack", "models/packs/scenes", "folder of the pack")
	f.StringVar(&p.Cache, "cache", "out/bench/frames", "folder where rendered frames are kept")
	f.StringVar(&p.Out, "out", "out/bench", "folder for results.json and results.md")
}

// run measures every size, and writes what there is after each.
func (p plan) run(ctx context.Context) (results, error) {
	r, err := p.begin(ctx)
	if err != nil {
		return r, err
	}
	if err := p.keepSearches(p.Earlier, r); err != nil {
		return r, err
	}
	deadline := time.Now().Add(p.Budget)
	for i, name := range p.Sizes {
		// what is left is shared among the sizes that are left
		share := time.Until(deadline) / time.Duration(len(p.Sizes)-i)
		s, err := p.runSize(ctx, name, time.Now().Add(share))
		if err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
		r.Sizes = append(r.Sizes, s)
		p.done = r.Sizes
		if err := r.write(p.Out, "results"); err != nil {
			return r, err
		}
	}
	return r, nil
}

// begin checks the plan and says what will be measured with what.
func (p plan) begin(ctx context.Context) (results, error) {
	if err := p.validate(); err != nil {
		return results{}, err
	}
	r := results{Made: time.Now().UTC().Truncate(time.Second), Commit: commit(), Machine: machine(), Settings: p.settings()}
	var err error
	r.Versions, err = p.versions(ctx)
	return r, err
}

// open makes the workload of one size of frames and says who is measured on it.
func (p plan) open(ctx context.Context, name string) (*workload, []contender, error) {
	s, err := p.size(name)
	if err != nil {
		return nil, nil, err
	}
	all, err := p.contenders(s)
	if err != nil {
		return nil, nil, err
	}
	w, err := openWorkload(ctx, p, s)
	return w, all, err
}

// runSize measures one size of frames.
func (p plan) runSize(ctx context.Context, name string, deadline time.Time) (r sizeResult, err error) {
	w, all, err := p.open(ctx, name)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if p.Latency {
		deadline = deadline.Add(-latencyTakes)
	}
	entries, sweeps, err := w.entries(ctx, all)
	if err != nil {
		return r, err
	}
	if len(entries) == 0 {
		return r, errors.New("none of these contenders was measured in the earlier results")
	}
	rounds, err := w.rounds(ctx, entries, deadline)
	if err != nil {
		return r, err
	}
	r = sizeResult{Size: name, FrameBytes: w.truth.bytes, FullRight: w.truth.fullRight(), Rounds: rounds, Sweeps: sweeps}
	for _, e := range entries {
		r.Contenders = append(r.Contenders, e.result(w))
	}
	r.Ratios = ratiosOf(name, r.Contenders)
	if ours := find(r.Contenders, "run"); p.Latency && len(ours) > 0 {
		r.Latency, err = w.latencyAtHalf(ctx, rounds)
	}
	return r, err
}

func (p plan) settings() map[string]string {
	s := map[string]string{
		"streams": fmt.Sprint(p.Streams), "classes at a time": "3", "frames in a row of a stream": fmt.Sprint(p.Chunk), "partitions": fmt.Sprint(p.Partitions),
		"seed": fmt.Sprint(seed), "pack": filepath.Base(p.Pack),
	}
	for _, name := range []string{"GOMAXPROCS", "GOGC", "GOMEMLIMIT"} {
		if v := os.Getenv(name); v != "" {
			s[name] = v
		}
	}
	return s
}

// versions asks the interpreter what it has, where a Python peer takes part.
func (p plan) versions(ctx context.Context) (map[string]string, error) {
	v := map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}
	if out, err := exec.CommandContext(ctx, p.Cachenet, "version").Output(); err == nil {
		v["cachenet"] = strings.Join(strings.Fields(string(out)), " ")
	}
	const ask = `import platform, importlib.metadata as m
print("Python", platform.python_version())
for n in ("apache-beam", "confluent-kafka", "numpy", "onnxruntime", "opencv-python-headless", "pyarrow", "simplejpeg"): print(n, m.version(n))`
	out, err := exec.CommandContext(ctx, p.Python, "-c", ask).Output()
	if err != nil {
		return nil, fmt.Errorf("%s lacks the peers' requirements: run make bench-venv: %w", p.Python, err)
	}
	for line := range strings.Lines(string(out)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		v[name] = version
	}
	return v, nil
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "an unknown commit"
	}
	name := strings.TrimSpace(string(out))
	if exec.Command("git", "diff", "--quiet", "HEAD").Run() != nil {
		name += "+"
	}
	return name
}

// machine names the processor and how many of its cores there are.
func machine() string {
	model := runtime.GOARCH
	b, _ := os.ReadFile("/proc/cpuinfo")
	if _, rest, ok := strings.Cut(string(b), "model name"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		model = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
	}
	return fmt.Sprintf("%d cores of %s", runtime.NumCPU(), model)
}
