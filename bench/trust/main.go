// Command trust measures what audits are worth on a pack, over frames of its classes, and writes a document about it
// (make bench-policy).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
)

func main() {
	pack := flag.String("pack", "models/packs/scenes", "folder of the pack")
	data := flag.String("data", "", "folder of labelled frames, with or without a folder test")
	runs := flag.Int("runs", 100, "runs of each experiment, every one with streams and coins of its own")
	limit := flag.Float64("max-false-hits", 0.02, "limit that is held in the row with one")
	seed := flag.Uint64("seed", 1, "first seed")
	out := flag.String("out", "", "document to write; empty: to stdout")
	fuse := flag.Bool("fuse", false, "measure instead whether answers that fuse the full model with the small net and the window are better (docs/trust.md)")
	flag.Parse()
	if err := measure(*pack, *data, *out, *runs, *limit, *seed, *fuse); err != nil {
		fmt.Fprintln(os.Stderr, "trust:", err)
		os.Exit(1)
	}
}

func measure(dir, data, out string, runs int, limit float64, seed uint64, fuse bool) error {
	if data == "" || runs < 1 {
		return fmt.Errorf("-data is missing, or -runs %d is below 1", runs)
	}
	ctx := context.Background()
	pack, err := models.OpenPack(dir)
	if err != nil {
		return err
	}
	card, err := evaluation.ReadCard(pack)
	if err != nil {
		return err
	}
	nets, err := evaluation.NetsFor(pack, card, nil)
	if err != nil {
		return err
	}
	table, err := score(ctx, nets, data)
	if err != nil {
		return err
	}
	var text string
	if fuse {
		fusion, err := evaluation.MeasureFusion(pack.ID(), table, 600, 5, seed)
		if err != nil {
			return err
		}
		text = fusion.Markdown()
	} else {
		trust, err := evaluation.MeasureTrust(ctx, pack, table, runs, limit, seed)
		if err != nil {
			return err
		}
		text = trust.Markdown()
	}
	if out == "" {
		fmt.Print(text)
		return nil
	}
	return os.WriteFile(out, []byte(text), 0o666)
}

// score runs the nets over the frames that no net was trained on.
func score(ctx context.Context, nets *evaluation.Nets, dir string) (*evaluation.Table, error) {
	if test := filepath.Join(dir, "test"); isFolder(test) {
		dir = test
	}
	listed, err := frames.List(dir)
	if err != nil {
		return nil, err
	}
	var all []evaluation.Sequence
	for _, l := range listed {
		all = append(all, evaluation.Sequence{Class: l.Class, Files: l.Files})
	}
	return evaluation.Score(ctx, nets, all, new(atomic.Int64))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
