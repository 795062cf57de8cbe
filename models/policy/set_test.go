package policy

import (
	"strings"
	"testing"
)

func TestSettingsAreReplacedByName(t *testing.T) {
	from := Settings{Kind: Window, Score: Confidence, Threshold: .9, Teacher: Inline, Alpha: .1, Decay: .8, Capacity: 1}
	got, err := from.With([]string{"threshold=0.7", " alpha = 0.3", "teacher=selector", "capacity=3", "tries=2", "similar=5", "similar_ms=900"})
	want := from
	want.Similar, want.SimilarMs = 5, 900
	want.Threshold, want.Alpha, want.Teacher, want.Capacity, want.Tries = .7, .3, Selector, 3, 2
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for set, say := range map[string]string{
		"treshold=1": "must be one of admission, alpha, ", "threshold": "NAME=VALUE", "=1": "NAME=VALUE", "threshold=high": "threshold=high: must be a number",
		"capacity=1.5": "must be a whole number",
	} {
		if same, err := from.With([]string{set}); err == nil || !strings.Contains(err.Error(), say) || same != from {
			t.Errorf("%s: %+v, %v", set, same, err)
		}
	}
}
