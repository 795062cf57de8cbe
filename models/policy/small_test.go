package policy

import "testing"

// What a miss was held against is told, whoever answers it in the end.
func TestAMissTellsWhatTheSmallNetSaid(t *testing.T) {
	unsure := []float32{1, 1.2, 0, 0}
	for _, teacher := range []string{Selector, Inline} {
		n := &fakeNets{specialist: map[int][]float32{0: unsure}, selector: []float32{9, 0, 0, 0}, full: []float32{9, 0, 0, 0}}
		d := decide(t, global(func(s *Settings) { s.Teacher = teacher }), &State{}, n)
		if d.Hit || !d.Asked || d.Small.Class != 1 || !(d.Small.Confidence > 0.3 && d.Small.Confidence < d.Threshold) || !(d.Small.Entropy > 1) {
			t.Errorf("teacher %s: %+v", teacher, d)
		}
	}
	p := global(nil)
	p.Kind = Full
	if d := decide(t, p, &State{}, &fakeNets{full: unsure}); d.Asked {
		t.Errorf("no small net was asked: %+v", d)
	}
}

// Of several specialists, "other" of one hides nothing that another said.
func TestTheNearestOfSeveralAnswersIsTold(t *testing.T) {
	p := &Policy{}
	for _, tt := range []struct {
		score string
		a, b  Answer
		want  bool
	}{
		{Confidence, Answer{Class: 1, Confidence: .6}, Answer{Class: 2, Confidence: .5}, true},
		{Confidence, Answer{Class: 1, Confidence: .4}, Answer{Class: 2, Confidence: .5}, false},
		{Confidence, Answer{Class: -1, Confidence: .9}, Answer{Class: 2, Confidence: .5}, false},
		{Confidence, Answer{Class: 1, Confidence: .4}, Answer{Class: -1, Confidence: .9}, true},
		{Entropy, Answer{Class: 1, Entropy: .4}, Answer{Class: 2, Entropy: .5}, true},
		{Entropy, Answer{Class: 1, Entropy: .6}, Answer{Class: 2, Entropy: .5}, false},
	} {
		if p.Score = tt.score; p.nearer(tt.a, tt.b) != tt.want {
			t.Errorf("%s: %+v before %+v: want %v", tt.score, tt.a, tt.b, tt.want)
		}
	}
}

// A bypassed stream tells what the small net said where it is asked for comparison, and nothing where it is not.
func TestABypassedStreamTellsWhatIsCompared(t *testing.T) {
	p, s := audited(nil), &State{}
	toss(t, p, s, says(1, 1), tails)
	if d := toss(t, p, s, says(1, 2), heads); !d.Hit || d.AuditClass != 2 {
		t.Fatalf("%+v", d)
	}
	d := toss(t, p, s, says(1, 2), tails)
	if d.Hit || d.Class != 2 || !d.Asked || d.Small.Class != 1 || d.Small.Confidence < d.Threshold {
		t.Errorf("%+v", d)
	}
}
