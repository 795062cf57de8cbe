// Command trust measures what audits are worth on packs, over frames of their classes, and what it saves to repeat answers on
// recorded streams, and writes a document about it (make bench-policy).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachenet/cachenet/models/evaluation"
)

type options struct {
	sets   []set
	runs   int
	seeds  int
	seed   uint64
	limit  float64
	out    string
	fuse   bool
	noting string // what the document says about how it was made
}

func main() {
	o := options{}
	flag.Func("set", "NAME=PACK,FRAMES: a pack and labelled frames of its classes, with or without a folder test; or NAME=FACTS.gz, what make bench-edge-facts recorded; for each set", func(s string) error { return o.add(s, false) })
	flag.Func("streams", "NAME=PACK,FRAMES: a pack and the frames of streams, FRAMES/<part>/<stream>/<sequence>_<frame>.jpg, the parts in the order of their names; answers are also repeated on these", func(s string) error { return o.add(s, true) })
	flag.IntVar(&o.runs, "runs", 20, "runs of each experiment and seed, every one with streams and coins of its own")
	flag.IntVar(&o.seeds, "seeds", 5, "seeds; the spread is over them")
	flag.Uint64Var(&o.seed, "seed", 90001, "first seed")
	flag.Float64Var(&o.limit, "max-false-hits", 0.02, "limit that is held in the row with one")
	flag.StringVar(&o.out, "out", "", "document to write; empty: to stdout")
	flag.BoolVar(&o.fuse, "fuse", false, "measure instead whether answers that fuse the full model with the small net and the window are better (docs/trust.md)")
	flag.StringVar(&o.noting, "note", "", "sentence about how packs and frames were made")
	flag.Parse()
	if err := o.measure(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "trust:", err)
		os.Exit(1)
	}
}

// add parses a set.
func (o *options) add(s string, streams bool) error {
	name, rest, named := strings.Cut(s, "=")
	pack, frames, both := strings.Cut(rest, ",")
	if !named || !both && !strings.HasSuffix(pack, ".gz") {
		return fmt.Errorf("%q: NAME=PACK,FRAMES is expected", s)
	}
	o.sets = append(o.sets, set{name: name, pack: pack, frames: frames, streams: streams})
	return nil
}

func (o *options) measure(ctx context.Context) error {
	if len(o.sets) == 0 || o.runs < 1 || o.seeds < 1 {
		return fmt.Errorf("no -set and no -streams, or -runs %d or -seeds %d is below 1", o.runs, o.seeds)
	}
	var trust []evaluation.TrustSet
	var fused, still strings.Builder
	for i := range o.sets {
		s := &o.sets[i]
		one, text, err := o.one(ctx, s)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		case o.fuse:
			fused.WriteString(text)
		case text != "":
			fmt.Fprintf(&still, "\n%s\n", text)
		}
		trust = append(trust, one)
	}
	text := fused.String()
	if !o.fuse {
		text = document(trust, still.String(), o.noting)
	}
	if o.out == "" {
		fmt.Print(text)
		return nil
	}
	if before, err := os.ReadFile(o.out); err == nil && !o.fuse {
		text = keepRemarks(string(before), text)
	}
	return os.WriteFile(o.out, []byte(text), 0o666)
}

// one measures a set; text is about fused or repeated answers.
func (o *options) one(ctx context.Context, s *set) (out evaluation.TrustSet, text string, err error) {
	out.Name = s.name
	if out.Absent = s.absent(); out.Absent != "" {
		fmt.Fprintf(os.Stderr, "%s is absent: %s\n", s.name, out.Absent)
		return out, "", nil
	}
	table, err := s.table(ctx)
	if err != nil {
		return out, "", err
	}
	if o.fuse {
		fusion, err := evaluation.MeasureFusion(s.opened.ID(), table, 600, 5, o.seed)
		if err != nil {
			return out, "", err
		}
		return out, fusion.Markdown(), nil
	}
	if s.recorded != nil {
		still, err := evaluation.MeasureStill(ctx, s.opened, s.recorded, o.seeds, o.seed)
		if err != nil {
			return out, "", err
		}
		text = "**" + s.name + "**, " + still.Markdown()
		fmt.Fprintln(os.Stderr, text)
	}
	if s.stillOnly() {
		return out, text, nil
	}
	for i := range o.seeds {
		t, err := evaluation.MeasureTrust(ctx, s.opened, table, o.runs, o.limit, o.seed+uint64(i)*1000)
		if err != nil {
			return out, "", err
		}
		out.Seeds = append(out.Seeds, t)
	}
	fmt.Fprintln(os.Stderr, evaluation.TrustMarkdown([]evaluation.TrustSet{out}))
	return out, text, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func document(sets []evaluation.TrustSet, still, note string) string {
	var measured []evaluation.TrustSet
	for _, s := range sets {
		if s.Absent != "" || len(s.Seeds) > 0 {
			measured = append(measured, s)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What audits are worth, and what repeated answers save\n\nPrinted by `make %s`. %s\n\n%s", "bench-policy", note, evaluation.TrustMarkdown(measured))
	if still != "" {
		fmt.Fprintf(&b, "\n## Cameras that do not move\n\nRecorded streams, answered by the full model and by the pack's policy, with and without `--skip-similar` ([trust.md](trust.md)). Saved is the time in nets against the full model on every frame; "+
			"lost is accuracy against it. The goal is ≥ 80 %% saved at ≤ 0.5 points.\n%s", still)
	}
	return b.String()
}

// remarks is the heading of what people wrote about the figures; it stays when they are measured again.
const remarks = "\n## What is not reached, and why\n"

// keepRemarks puts the remarks of the document before in front of the first section of the new one.
func keepRemarks(before, text string) string {
	_, kept, some := strings.Cut(before, remarks)
	if !some {
		return text
	}
	kept, _, _ = strings.Cut(kept, "\n## ")
	head, sections, more := strings.Cut(text, "\n## ")
	head = strings.TrimRight(head, "\n") + "\n" + remarks + strings.TrimRight(kept, "\n") + "\n"
	if more {
		head += "\n## " + sections
	}
	return head
}

func testPart(dir string) string {
	if test := filepath.Join(dir, "test"); isFolder(test) {
		return test
	}
	return dir
}
