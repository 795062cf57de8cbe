package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/frames"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/schemas"
)

// amount is the number of sequences of each class to measure.
type amount struct {
	tune, report int
	frames       int // of each sequence, at most
}

// sceneFacts measures the bundled pack on scenes rendered at camera size. The seeds are not those that the pack was trained,
// tuned or reported on.
func sceneFacts(dir string, n amount, seed uint64) (*facts, error) {
	source, err := frames.Filmed(frames.DefaultCamera)
	if err != nil {
		return nil, err
	}
	all := make([]sequence, len(source.Classes())*(n.tune+n.report))
	var g errgroup.Group
	g.SetLimit(2)
	for i := range all {
		class, number := i/(n.tune+n.report), i%(n.tune+n.report)
		all[i] = sequence{class: class, tune: number < n.tune}
		g.Go(func() error {
			for img, err := range source.Play(class, seed+uint64(number)) {
				if err != nil || len(all[i].frames) == n.frames {
					return err
				}
				all[i].frames = append(all[i].frames, &schemas.Frame{Image: img.Bytes, ContentType: img.ContentType})
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	f, err := measurePack("scenes", dir, source.Classes(), all)
	if err != nil {
		return nil, err
	}
	pack, err := models.OpenPack(dir)
	if err != nil {
		return nil, err
	}
	c := frames.DefaultCamera
	f.Source = fmt.Sprintf("Pack %s; %d frames of %d rendered sequences of %d classes, %d x %d pixels, JPEG quality %d", pack.ID(), len(f.Labels), len(all), f.Classes, c.Width, c.Height, c.Quality)
	return f, nil
}

// folderFacts measures nets on an image folder: of each class, the first files are for tuning.
func folderFacts(name, dir, data, source string, n amount) (*facts, error) {
	listed, err := frames.List(data)
	if err != nil {
		return nil, err
	}
	var classes []string
	seen := map[string]int{}
	var all []sequence
	for _, s := range listed {
		if !slices.Contains(classes, s.Class) {
			classes = append(classes, s.Class)
		}
		if seen[s.Class]++; seen[s.Class] > n.tune+n.report {
			continue
		}
		one := sequence{class: slices.Index(classes, s.Class), tune: seen[s.Class] <= n.tune}
		for _, file := range s.Files[:min(len(s.Files), n.frames)] {
			b, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			one.frames = append(one.frames, &schemas.Frame{Image: b, ContentType: schemas.JPEG})
		}
		all = append(all, one)
	}
	f, err := measurePack(name, dir, classes, all)
	if err != nil {
		return nil, err
	}
	f.Source = fmt.Sprintf("%s; %d frames of %d classes", source, len(f.Labels), f.Classes)
	return f, nil
}

func measurePack(name, dir string, classes []string, all []sequence) (*facts, error) {
	nets, l, err := open(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, net := range l.all() {
			net.Close()
		}
	}()
	for i := range all { // the source's classes in the order of the nets' labels
		if all[i].class = slices.Index(nets.Classes, classes[all[i].class]); all[i].class < 0 {
			return nil, fmt.Errorf("%s: a class of the frames is not among the nets'", dir)
		}
	}
	f, err := measure(name, nets, l, all)
	if err != nil {
		return nil, err
	}
	f.Window, f.PaperPolicy = defaultWindow, nil
	if _, err := os.Stat(filepath.Join(dir, models.ManifestFile)); err == nil {
		pack, err := models.OpenPack(dir)
		if err != nil {
			return nil, err
		}
		f.Window, f.PaperPolicy = pack.Policy, pack.Paper
	}
	return f, f.prepare()
}

// streamKinds are the kinds of the devices' streams, in turn.
var streamKinds = []evaluation.Kind{{Active: 3, Dwell: 200}, {Active: 2, Dwell: 30}, {Active: 5, Dwell: 200}, {Mixed: true}}
