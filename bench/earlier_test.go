package main

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestPromisingSettings(t *testing.T) {
	fast, nearly, slow, lean, failed, fresh := setting{2, 1, 16, "whole"}, setting{2, 1, 1, "whole"}, setting{1, 2, 1, "whole"}, setting{1, 1, 16, "whole"}, setting{1, 2, 16, "whole"}, setting{1, 1, 1, "whole"}
	ruled := setting{2, 2, 16, "whole"}
	earlier := &sweepResult{ID: "x", Trials: []trial{
		{Setting: slow, FPS: 84, CPUUs: 11}, {Setting: nearly, FPS: 85, CPUUs: 11}, {Setting: fast, FPS: 100, CPUUs: 10}, {Setting: lean, FPS: 50, CPUUs: 9.9},
		{Setting: failed, Failed: "why"}, {Setting: ruled, FPS: 100, LeftOut: "at 640x480"},
	}}
	all := []setting{fast, nearly, slow, lean, failed, fresh, ruled}
	try, out := promising(all, earlier)
	if !slices.Equal(try, []setting{fast, nearly, lean, fresh}) || !slices.Equal(out, []setting{slow, failed, ruled}) {
		t.Errorf("%v, %v", try, out)
	}
	for _, nothing := range []*sweepResult{nil, {ID: "x", Trials: []trial{{Setting: fast, Failed: "why"}}}} {
		if try, out := promising(all, nothing); !slices.Equal(try, all) || out != nil {
			t.Errorf("%v, %v", try, out)
		}
	}
}

// What ruled a setting out is a search at the same size, or one of this benchmark among the same settings.
func TestSearchesThatCount(t *testing.T) {
	search := []sweepResult{{ID: "python-full"}}
	kept, camera, small := sizeResult{Size: "1280x720", Sweeps: search}, sizeResult{Size: "640x480", Sweeps: search}, sizeResult{Size: "32x32", Sweeps: search}
	for _, c := range []struct {
		p    plan
		id   string
		want string
	}{
		{plan{}, "python-full", ""},
		{plan{earlier: []sizeResult{kept}, done: []sizeResult{camera}}, "python-full", "in an earlier benchmark"},
		{plan{earlier: []sizeResult{camera}}, "python-full", ""},
		{plan{done: []sizeResult{small, camera}}, "python-full", "at 640x480"},
		{plan{done: []sizeResult{small, camera}}, "python-window", ""},
		{plan{done: []sizeResult{small}}, "python-full", ""},
	} {
		if _, where := c.p.searched(c.id, sizes[2]); where != c.want {
			t.Errorf("%+v: %q, not %q", c.p, where, c.want)
		}
	}
}

func TestSearchesOfOthersAreNotKept(t *testing.T) {
	dir := t.TempDir()
	was := results{Machine: "2 cores", Versions: map[string]string{"Go": "1", "numpy": "2"}, Sizes: []sizeResult{{Size: "32x32"}}}
	if err := was.write(dir, "results"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "results.json")
	for _, c := range []struct {
		path string
		now  results
		kept bool
	}{
		{path, results{Machine: "2 cores", Versions: map[string]string{"Go": "2", "numpy": "2", "cachenet": "new"}}, true},
		{path, results{Machine: "4 cores", Versions: was.Versions}, false},
		{path, results{Machine: "2 cores", Versions: map[string]string{"Go": "1", "numpy": "3"}}, false},
		{"", was, false},
		{filepath.Join(dir, "none.json"), was, false},
	} {
		var p plan
		if err := p.keepSearches(c.path, c.now); err != nil || len(p.earlier) > 0 != c.kept {
			t.Errorf("%s: %v, %v", c.path, p.earlier, err)
		}
	}
}

// A search never ends without a setting because an earlier one ruled the working ones out.
func TestRuledOutSettingsAreTriedWhereAllOthersFail(t *testing.T) {
	a, b, c, d := setting{1, 1, 1, "whole"}, setting{1, 1, 16, "whole"}, setting{2, 1, 1, "whole"}, setting{2, 1, 16, "whole"}
	for _, test := range []struct {
		works []setting
		tried []setting
	}{
		{[]setting{a, b, c, d}, []setting{a, b}},
		{[]setting{b, c, d}, []setting{a, b}},
		{[]setting{c, d}, []setting{a, b, c}},
		{[]setting{d}, []setting{a, b, c, d}},
		{nil, []setting{a, b, c, d}},
	} {
		var tried []setting
		trials := tryAll([]setting{a, b}, []setting{c, d}, "at 640x480", func(s setting) trial {
			tried = append(tried, s)
			if !slices.Contains(test.works, s) {
				return trial{Setting: s, Failed: "why"}
			}
			return trial{Setting: s, FPS: 1}
		})
		if !slices.Equal(tried, test.tried) || len(trials) != 4 {
			t.Errorf("where %v work, %v were tried: %+v", test.works, tried, trials)
		}
		for i, s := range []setting{a, b, c, d} {
			if trials[i].Setting != s || (trials[i].LeftOut == "at 640x480") == slices.Contains(tried, s) {
				t.Errorf("where %v work: %+v", test.works, trials[i])
			}
		}
	}
}
