package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// results is one benchmark, as results.json keeps it.
type results struct {
	Made     time.Time         `json:"made"`
	Commit   string            `json:"commit"` // of the tree; with a + where it was changed
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Settings map[string]string `json:"settings"`
	Sizes    []sizeResult      `json:"sizes,omitempty"`
	Scale    []scaleResult     `json:"scale,omitempty"`
}

// sizeResult is what was measured with frames of one size.
type sizeResult struct {
	Size       string            `json:"size"`
	FrameBytes int               `json:"frame_bytes"` // mean
	FullRight  float64           `json:"full_right"`  // accuracy of the full model on all frames, 0 … 1
	Rounds     int               `json:"rounds"`
	Contenders []contenderResult `json:"contenders"`
	Ratios     []ratio           `json:"ratios"`
	Latency    *latencyResult    `json:"latency,omitempty"` // of cachenet run at half of its frames/s
	Sweeps     []sweepResult     `json:"sweeps,omitempty"`
}

// contenderResult is a contender at one setting.
type contenderResult struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Setting *setting `json:"setting,omitempty"`
	Best    string   `json:"best,omitempty"` // what this setting is the best for, where there are several
	Frames  int      `json:"frames"`
	FPS     spread   `json:"fps"`
	CPUUs   spread   `json:"cpu_us"`
	StartS  spread   `json:"start_s"`
	RSSMB   spread   `json:"rss_mb"`
	Rounds  []sample `json:"rounds"`
	Failed  string   `json:"failed,omitempty"`
}

func (e *entry) result(w *workload) contenderResult {
	r := contenderResult{ID: e.id, Title: e.title, Best: e.best, Frames: w.frames(e.topic), Rounds: e.samples}
	if e.setting != (setting{}) {
		r.Setting = &e.setting
	}
	if e.failed != nil {
		r.Failed = e.failed.Error()
	}
	if len(e.samples) > 0 {
		r.FPS = spreadOf(figures(e.samples, func(s sample) float64 { return s.FPS }))
		r.CPUUs = spreadOf(figures(e.samples, func(s sample) float64 { return s.CPUUs }))
		r.StartS = spreadOf(figures(e.samples, func(s sample) float64 { return s.StartS }))
		r.RSSMB = spreadOf(figures(e.samples, func(s sample) float64 { return s.RSSMB }))
	}
	return r
}

// whole is an error where a contender failed, or lost or doubled a row: a contender must not be fast by being wrong.
func (r results) whole() error {
	var wrong []string
	for _, s := range r.Sizes {
		wrong = append(wrong, s.incomplete()...)
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n  "))
	}
	return nil
}

// write puts NAME.json and NAME.md into a folder.
func (r results) write(dir, name string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".json", append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(path+".md", []byte(r.markdown()), 0o644)
}

func readResults(path string) (results, error) {
	var r results
	b, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
