package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cachenet/cachenet/connectors/frames"
)

// version is raised when other frames come out of the same header.
const version = 2

// Make renders what h asks for to path, unless it is there already. Classes and Version are filled in.
func Make(path string, h Header) error {
	source, err := frames.Scenes(frames.DefaultSize)
	if err != nil {
		return err
	}
	h.Classes, h.Version = source.Classes(), version
	if same(path, h) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	partial := path + ".tmp"
	f, err := os.Create(partial)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(render(w, source, h), w.Flush(), f.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("render %s: %w", path, err), os.Remove(partial))
	}
	return os.Rename(partial, path)
}

func same(path string, h Header) bool {
	r, err := Open(path)
	if err != nil {
		return false
	}
	defer r.Close()
	was, want := r.Header, h
	classes := slices.Equal(was.Classes, want.Classes)
	was.Classes, want.Classes = nil, nil
	return classes && fmt.Sprint(was) == fmt.Sprint(want)
}

// render writes a chunk of every stream, then the next of every stream, streams side by side.
func render(w io.Writer, source frames.Source, h Header) error {
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(head, '\n')); err != nil {
		return err
	}
	schedule := frames.Schedule{Source: source, Active: h.Active, Dwell: h.Dwell, Frames: h.Frames, Seed: h.Seed}
	if err := schedule.Validate(); err != nil {
		return err
	}
	players := make([]*player, h.Streams)
	for i := range players {
		players[i] = newPlayer(schedule, h, i)
		defer players[i].stop()
	}
	for played := 0; played < h.Frames; played += h.Chunk {
		if err := renderChunk(w, players, h.Chunk); err != nil {
			return err
		}
	}
	return nil
}

func renderChunk(w io.Writer, players []*player, n int) error {
	chunks := make([][]Frame, len(players))
	var g errgroup.Group
	g.SetLimit(4)
	for i, p := range players {
		g.Go(func() (err error) {
			chunks[i], err = p.take(n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, f := range slices.Concat(chunks...) {
		if err := writeFrame(w, f); err != nil {
			return err
		}
	}
	return nil
}

// player renders one stream.
type player struct {
	stream int
	class  map[string]int
	next   func() (frames.Frame, error, bool)
	stop   func()
	camera *camera // nil: frames as the scenes render them
}

func newPlayer(s frames.Schedule, h Header, stream int) *player {
	p := &player{stream: stream, class: map[string]int{}}
	for i, name := range h.Classes {
		p.class[name] = i
	}
	p.next, p.stop = iter.Pull2(s.Stream(stream))
	if h.Width != frames.DefaultSize || h.Height != frames.DefaultSize {
		p.camera = newCamera(h.Width, h.Height, h.Seed, uint64(stream))
	}
	return p
}

func (p *player) take(n int) ([]Frame, error) {
	var all []Frame
	for range n {
		f, err, more := p.next()
		if err != nil || !more {
			return all, err
		}
		image := f.Bytes
		if p.camera != nil {
			if image, err = p.camera.shoot(image); err != nil {
				return all, err
			}
		}
		all = append(all, Frame{p.stream, int(f.Sequence), p.class[f.Label], image})
	}
	return all, nil
}
