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

// "Other" stands for nearly all of many classes, so that it is the largest output nearly always: there the best class of the specialist's own
// is the answer, and the threshold alone decides. Of few classes "other" is a miss, and an entropy says nothing about which output is certain.
func TestOtherOfManyClassesIsNoAnswer(t *testing.T) {
	for _, c := range []struct {
		classes   int
		score     string
		threshold float32
		hit       bool
	}{
		{classes: ManyClasses, score: Confidence, threshold: 0.2, hit: true},
		{classes: ManyClasses, score: Confidence, threshold: 0.4},
		{classes: ManyClasses - 1, score: Confidence, threshold: 0.2},
		{classes: ManyClasses, score: Entropy, threshold: 5},
	} {
		p := &Policy{Settings: Settings{Kind: Window, Score: c.score, Threshold: c.threshold, Alpha: 1, Decay: 0.8, Capacity: 1, Teacher: Inline},
			Classes: c.classes, Specialists: []Specialist{{Classes: []int{7, 9}, Other: true, Ready: true}}, FullTemperature: 1}
		full := make([]float32, c.classes)
		full[9] = 5
		d, err := p.Decide(&State{}, &rows{small: [][]float32{{0.1, 0.3, 0.6}}, full: [][]float32{full}}, true)
		if err != nil {
			t.Fatal(err)
		}
		if d.Hit != c.hit || d.Class != 9 {
			t.Errorf("%+v: hit %v, class %d", c, d.Hit, d.Class)
		}
		if c.hit && d.Confidence != 0.3 {
			t.Errorf("the confidence is %v, the net says 0.3", d.Confidence)
		}
	}
}
