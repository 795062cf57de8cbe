// Command loop answers the frames of a recording in a plain Go loop: the decisions of the pipeline without Kafka, Beam and
// Parquet. It is what the benchmark measures the pipeline against.
package main

import (
	"flag"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/bench/recording"
	"github.com/cachenet/cachenet/models"
)

func main() {
	var o options
	flag.StringVar(&o.recording, "recording", "", "file of frames")
	flag.StringVar(&o.pack, "pack", "", "folder of the pack")
	flag.StringVar(&o.out, "out", "", "file for the answers")
	flag.IntVar(&o.frames, "frames", 1<<30, "frames of each stream at most")
	flag.IntVar(&o.goroutines, "goroutines", 2, "streams are shared out over so many")
	flag.IntVar(&o.batch, "batch", 1, "frames in one call: of the small net, or with -full of the full model")
	flag.BoolVar(&o.full, "full", false, "the full model answers every frame")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "loop:", err)
		os.Exit(1)
	}
}

type options struct {
	recording, pack, out      string
	frames, goroutines, batch int
	full                      bool
}

func (o options) run() error {
	rec, err := recording.Open(o.recording)
	if err != nil {
		return err
	}
	defer rec.Close()
	pack, err := models.OpenPack(o.pack)
	if err != nil {
		return err
	}
	shared, err := load(pack)
	if err != nil {
		return err
	}
	workers := make([]*worker, o.goroutines)
	var g errgroup.Group
	for i := range workers {
		workers[i] = newWorker(shared, o)
		g.Go(func() error { return workers[i].play(rec, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var all []recording.Answer
	for _, w := range workers {
		all = append(all, w.answers...)
	}
	return recording.WriteAnswers(o.out, all)
}
