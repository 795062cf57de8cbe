package main

import (
	"slices"
	"strings"
	"testing"
)

func TestContenders(t *testing.T) {
	p := plan{Contenders: []string{"run", "python-window"}, Also: []string{"before=/bin/old"}}
	s, err := p.size("640x480")
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.contenders(s)
	if err != nil || !slices.Equal(ids(all), []string{"run", "run@before", "python-window"}) {
		t.Errorf("%v, %v", ids(all), err)
	}
	p.Contenders = []string{"rum"}
	if _, err := p.contenders(s); err == nil || !strings.Contains(err.Error(), `"rum"`) {
		t.Errorf("%v", err)
	}
	p = plan{Also: []string{"nameless"}}
	if _, err := p.contenders(s); err == nil {
		t.Error("a build without a name was accepted")
	}
}

func TestFramesAreScaledTogether(t *testing.T) {
	s, err := plan{Frames: 100}.size("32x32")
	if err != nil || s.long != 100 || s.short != 16 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := (plan{}).size("31x31"); err == nil {
		t.Error("an unknown size was accepted")
	}
}

// Frames no larger than the nets' input cannot be decoded at a smaller scale.
func TestSettings(t *testing.T) {
	for _, s := range sizes {
		all := settingsFor(s)
		for i, a := range all {
			if slices.Contains(all[:i], a) || s.width == 32 && a.Scale == "reduced" {
				t.Errorf("%s: %s", s.name, a)
			}
		}
	}
}

func TestBestSettings(t *testing.T) {
	fast, lean := setting{2, 1, 16, "whole"}, setting{1, 1, 16, "whole"}
	for _, c := range []struct {
		trials []trial
		want   []setting
	}{
		{[]trial{{Setting: fast, FPS: 10, CPUUs: 100}, {Setting: lean, FPS: 6, CPUUs: 90}}, []setting{fast, lean}},
		{[]trial{{Setting: fast, FPS: 10, CPUUs: 100}, {Setting: lean, FPS: 6, CPUUs: 99}}, []setting{fast}},
		{[]trial{{Setting: fast, Failed: "why"}, {Setting: lean, FPS: 6, CPUUs: 99}}, []setting{lean}},
		{[]trial{{Setting: fast, Failed: "why"}}, nil},
	} {
		best, err := sweepResult{ID: "x", Trials: c.trials}.best()
		var got []setting
		for _, b := range best {
			got = append(got, b.Setting)
		}
		if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) {
			t.Errorf("%+v: %v, %v", c.trials, got, err)
		}
	}
}
