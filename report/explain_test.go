package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// explained returns the text about one frame of a data set.
func explained(t *testing.T, dir string, q Question) string {
	t.Helper()
	e, err := Explain(t.Context(), dir, q)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 40, func(i int, o *schemas.Outcome) {
		o.Threshold, o.Confidence, o.Model, o.HitRateWindow = .7, .9, "specialist-00", .5
		switch i {
		case 10:
			o.Outcome, o.Label, o.CacheEvent, o.Model = schemas.Miss, "dog", schemas.CacheLoad, "full"
		case 12:
			o.Truth = "cow"
		case 14:
			o.Outcome, o.Label, o.Error, o.Stage = schemas.Error, "", "no image", schemas.StageDecode
		case 15, 17:
			o.Model = "specialist-01"
		}
	})
	for _, tt := range []struct {
		name   string
		offset int64
		want   []string
	}{
		{"hit", 12, []string{"hit: specialist-00 answered cat, confidence 0.900 is at least the threshold of 0.7", "cow, so the answer is wrong",
			"changed at offset 10 (load): there the full model answered dog", "5 hits and 1 misses before it; the last miss taught it dog (offset 10)",
			"a threshold above 0.900 would have made it a miss"}},
		{"miss", 10, []string{"miss: the full model answered dog", "a lower threshold may have made it a hit", "the only small net"}},
		{"error", 14, []string{"error in stage decode: no image", "a whole image"}},
		{"first", 0, []string{"no rows of this stream come before it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := explained(t, dir, Question{Stream: "cam-0", Offset: tt.offset, Before: 3})
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("the text lacks %q:\n%s", want, text)
				}
			}
		})
	}
	// with two specialists, and no earlier row that activated one
	if text := explained(t, dir, Question{Stream: "cam-1", Offset: 31}); !strings.Contains(text, "the one that the stream began with") {
		t.Error(text)
	}
}

// A miss says what it was held against, and what would have let it pass.
func TestExplainAMiss(t *testing.T) {
	for name, tt := range map[string]struct {
		miss   schemas.Outcome // what of it differs
		bypass string          // event of a row before it
		want   []string
	}{
		"unsure": {schemas.Outcome{SmallLabel: "cat", SmallConfidence: .612, SpecialistUs: 9}, "",
			[]string{"the small net said cat with confidence 0.612, which is below the threshold of 0.7", "a threshold of at most 0.612 would have made it a hit, answered cat"}},
		"other": {schemas.Outcome{SmallConfidence: .9, SpecialistUs: 9}, "", []string{"the small net said none of its classes", "no threshold makes a hit"}},
		"guard": {schemas.Outcome{SmallLabel: "cat", SmallConfidence: .95, SpecialistUs: 9}, "",
			[]string{"which passes the threshold of 0.7, but the rare-class guard", "a run without --guard"}},
		"changed": {schemas.Outcome{SmallLabel: "cat", SmallConfidence: .95, SpecialistUs: 9, CacheEvent: schemas.TrustChanged}, "",
			[]string{"which passes the threshold of 0.7, but the picture differs", "a picture like the last one"}},
		"compared": {schemas.Outcome{SmallLabel: "cat", SmallConfidence: .95, SpecialistUs: 9}, schemas.TrustDrift,
			[]string{"but the full model answers this stream since offset 4 (drift)", "audits confirm"}},
		"returned": {schemas.Outcome{SmallLabel: "cat", SmallConfidence: .6, SpecialistUs: 9}, schemas.TrustReturn, []string{"a threshold of at most 0.600"}},
		"bypassed": {schemas.Outcome{}, schemas.TrustBypass, []string{"no small net was asked: the full model answers this stream since offset 4 (bypass)", "audits confirm"}},
		"no cache": {schemas.Outcome{}, "", []string{"no small net was asked", "--policy full"}},
		"older":    {schemas.Outcome{SpecialistUs: 9}, "", []string{"no specialist passed the threshold of 0.7", "of a version that did not keep how sure"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, 20, func(i int, o *schemas.Outcome) {
				o.Threshold, o.Confidence, o.Model = .7, .9, "specialist-00"
				switch {
				case i == 4 && tt.bypass != "":
					o.CacheEvent = tt.bypass
				case i == 10:
					o.Outcome, o.Label, o.Model = schemas.Miss, "dog", "full"
					o.CacheEvent = tt.miss.CacheEvent
					o.SmallLabel, o.SmallConfidence, o.SpecialistUs = tt.miss.SmallLabel, tt.miss.SmallConfidence, tt.miss.SpecialistUs
				}
			})
			text := explained(t, dir, Question{Stream: "cam-0", Offset: 10})
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("the text lacks %q:\n%s", want, text)
				}
			}
		})
	}
}

func TestExplainAMissByEntropy(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 20, func(i int, o *schemas.Outcome) {
		o.Threshold, o.Confidence, o.Entropy = 1.5, .8, .4
		if i == 10 {
			o.Outcome, o.Label, o.Model, o.SmallLabel, o.SmallConfidence, o.SmallEntropy, o.SpecialistUs = schemas.Miss, "dog", "full", "cat", .5, 1.7, 9
		}
	})
	text := explained(t, dir, Question{Stream: "cam-0", Offset: 10})
	for _, want := range []string{"entropy 1.700, which is above the threshold of 1.5", "a threshold of at least 1.700"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
}

// Rows that were not asked for are not said to be missing.
func TestExplainWithoutTheRowsBefore(t *testing.T) {
	e := Explanation{Row: schemas.Outcome{Outcome: schemas.Hit}, earlier: true}
	var out strings.Builder
	if err := e.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "come before it") || !strings.Contains(text, "(no key), ") {
		t.Errorf("it says %q", text)
	}
}

func TestExplainShowsTheRowsBefore(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 40, func(i int, o *schemas.Outcome) { o.Offset = int64(39 - i) }) // in reverse
	e, err := Explain(t.Context(), dir, Question{Stream: "cam-0", Offset: 31, Before: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Before) != 3 || e.Before[0].Offset != 25 || e.Before[2].Offset != 29 {
		t.Errorf("before it: %+v", e.Before)
	}
}

func TestExplainInfersTheHitTest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 10, func(_ int, o *schemas.Outcome) { o.Threshold, o.Confidence, o.Entropy = 1.5, .8, .4 })
	if text := explained(t, dir, Question{Stream: "cam-0", Offset: 4}); !strings.Contains(text, "entropy 0.400 is at most the threshold of 1.5") {
		t.Error(text)
	}
}

func TestExplainMissingRows(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 10, func(int, *schemas.Outcome) {})
	for want, q := range map[string]Question{`no rows of stream "cam-9"`: {Stream: "cam-9"}, "offsets 0 to 8": {Stream: "cam-0", Offset: 1}} {
		if _, err := Explain(t.Context(), dir, q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// Names of classes and what producers declare may hold anything; a terminal shows it and does not obey it.
func TestAnExplanationShowsControlCharacters(t *testing.T) {
	o := schemas.Outcome{Outcome: schemas.Miss, Label: "line\n", Truth: "red\x1b[2J", AuditLabel: "\r", Error: "a\tb"}
	e := Explanation{Row: o, Before: []schemas.Outcome{o}, Change: &o, Taught: &o}
	var b bytes.Buffer
	if err := e.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.ContainsAny(text, "\x1b\r\t") || !strings.Contains(text, `answered line\n with`) || !strings.Contains(text, `red\x1b[2J, so`) {
		t.Errorf("%q", text)
	}
	if o.Label != "line\n" || e.Before[0].Truth != "red\x1b[2J" {
		t.Error("the rows were changed")
	}
}
