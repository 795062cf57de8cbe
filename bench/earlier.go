package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// near is how close to the most frames/s a setting must have come in an earlier search to be tried again. One run of a
// setting differs from the next by less.
const near = 0.85

// promising splits settings by an earlier search of the same peer: those that may be the best now, in the old order, and
// those that it ruled out. Without a search all are promising.
func promising(settings []setting, earlier *sweepResult) (try, out []setting) {
	if earlier == nil {
		return settings, nil
	}
	best, err := earlier.best()
	if err != nil {
		return settings, nil
	}
	fast := best[0]
	for _, s := range settings {
		i := slices.IndexFunc(earlier.Trials, func(t trial) bool { return t.Setting == s })
		if i < 0 || earlier.Trials[i].tried() && (earlier.Trials[i].FPS >= near*fast.FPS || earlier.Trials[i].CPUUs < fast.CPUUs) {
			try = append(try, s)
		} else {
			out = append(out, s)
		}
	}
	return try, out
}

// searched finds an earlier search of a peer: at the same size in the kept results, else at another size of this benchmark with
// the same settings to choose from. It also says where that was.
func (p plan) searched(id string, s size) (*sweepResult, string) {
	for _, known := range []struct {
		sizes []sizeResult
		same  bool
	}{{p.earlier, true}, {p.done, false}} {
		for _, r := range known.sizes {
			of, err := p.size(r.Size)
			if err != nil || known.same && r.Size != s.name || !slices.Equal(settingsFor(of), settingsFor(s)) {
				continue
			}
			for i := range r.Sweeps {
				if r.Sweeps[i].ID == id && known.same {
					return &r.Sweeps[i], "in an earlier benchmark"
				} else if r.Sweeps[i].ID == id {
					return &r.Sweeps[i], "at " + r.Size
				}
			}
		}
	}
	return nil, ""
}

// keepSearches reads the searches of kept results, if there are any and they are of this machine and of these peers.
func (p *plan) keepSearches(path string, now results) error {
	was, err := readResults(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read earlier results: %w", err)
	}
	peers := func(versions map[string]string) map[string]string {
		v := maps.Clone(versions)
		delete(v, "cachenet")
		delete(v, "Go")
		return v
	}
	if was.Machine != now.Machine || !maps.Equal(peers(was.Versions), peers(now.Versions)) {
		fmt.Fprintf(os.Stderr, "%s is of another machine or of other versions: all settings of the peers are tried\n", path)
		return nil
	}
	p.earlier = was.Sizes
	return nil
}
