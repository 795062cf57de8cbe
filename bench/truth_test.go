package main

import (
	"testing"

	"github.com/cachenet/cachenet/bench/recording"
)

// Two streams of two frames: a contender that loses a row, duplicates one or answers wrongly is detected.
func TestJudge(t *testing.T) {
	tr := &truth{streams: 2, class: []int{0, 1, 0, 1}, full: []int{0, 1, 1, 1}}
	right := []recording.Answer{{Stream: 0, Sequence: 0, Class: 0, Hit: true}, {Stream: 1, Sequence: 0, Class: 1}, {Stream: 0, Sequence: 1, Class: 0}, {Stream: 1, Sequence: 1, Class: 1}}
	for _, c := range []struct {
		name    string
		answers []recording.Answer
		want    verdict
	}{
		{"all", right, verdict{Rows: 4, Accuracy: 1, Agreement: 0.75, HitRate: 0.25}},
		{"one missing", right[:3], verdict{Rows: 3, Missing: 1, Accuracy: 1, Agreement: 2. / 3, HitRate: 1. / 3}},
		{"one twice", append(right[:3:3], right[0]), verdict{Rows: 4, Missing: 1, Twice: 1, Accuracy: 1, Agreement: 2. / 3, HitRate: 1. / 3}},
		{"one without a class", append(right[:3:3], recording.Answer{Stream: 1, Sequence: 1, Class: -1}), verdict{Rows: 4, Unanswered: 1, Accuracy: 1, Agreement: 2. / 3, HitRate: 1. / 3}},
		{"nothing", nil, verdict{Missing: 4}},
	} {
		got := tr.judge(c.answers, 2)
		if got != c.want || got.whole() != (c.name == "all") {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
