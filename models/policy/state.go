package policy

//go:generate go run github.com/tinylib/msgp -file state.go -tests=false

//msgp:tuple State

// State is what a stream remembers between frames. The zero value is a stream not seen yet. Its lengths are limited
// because it comes back from a file: a damaged one must not take all memory.
type State struct {
	Cached    []int      `msg:"cached,limit=65536"` // specialists the stream holds, most recently used first; Cached[0] is active
	Window    []float32  `msg:"window,limit=65536"` // K: decaying average of the teacher's answers, sums to 1; empty until the first frame
	Slow      []float32  // K: like Window, over a longer time; sums to 1 (slow)
	Credit    [2]float32 // how far Window and Slow have earned belief, 0 … 1 together (share)
	Outside   float32    // running mean of the raw mass outside the window, 0 … 1 (guard)
	HitRate   float32    // decaying average of hits, 0 … 1
	Candidate int        // specialist that the last misses named but that is not held, -1 when none
	Named     int        // how many misses in a row named it
	Partition int32      // where the last learned frame was read
	Offset    int64      // of the last learned frame
}

// hitRateDecay makes HitRate an average over about the last 50 frames.
const hitRateDecay = 0.98

// Active returns the specialist that looks at the next frame.
func (s *State) Active() int { return s.Cached[0] }

// Newer reports whether a frame follows the last one the state learned from, and remembers it. A runner
// that does not keep a key's order must not make a stream learn backwards. Another partition (a topic
// that grew) starts afresh.
func (s *State) Newer(partition int32, offset int64) bool {
	if partition == s.Partition && offset <= s.Offset && s.seen() {
		return false
	}
	s.Partition, s.Offset = partition, offset
	return true
}

func (s *State) seen() bool { return len(s.Window) > 0 }

// start prepares the state of a stream not seen yet (or one that does not fit the pack: kept by another, or damaged).
func (s *State) start(p *Policy) {
	classes, specialists := p.Classes, len(p.Specialists)
	fits := len(s.Window) == classes && len(s.Slow) == classes && len(s.Cached) > 0
	for _, c := range s.Cached {
		fits = fits && c >= 0 && c < specialists
	}
	if fits {
		return
	}
	*s = State{Cached: []int{0}, Window: make([]float32, classes), Slow: make([]float32, classes), Credit: p.newCredit(), Candidate: -1, Partition: s.Partition, Offset: s.Offset}
	for c := range s.Window {
		s.Window[c], s.Slow[c] = 1/float32(classes), 1/float32(classes)
	}
}

// teach moves the windows towards the distribution q of the teacher.
func (s *State) teach(q []float32, p *Policy) {
	s.judge(q, p)
	for c := range s.Window {
		s.Window[c] = p.Decay*s.Window[c] + (1-p.Decay)*q[c]
		s.Slow[c] = p.Slow*s.Slow[c] + (1-p.Slow)*q[c]
	}
}

// newCredit is that of windows nobody has taught: each as much as a guess has.
func (p *Policy) newCredit() [2]float32 {
	if p.Slow > 0 {
		return [2]float32{1. / 3, 1. / 3}
	}
	return [2]float32{1. / 2, 0}
}

// judge moves the credit of the windows by how much better than a guess they foretold q: all three share a
// belief by Bayes' rule, part of which is handed back each time so that none is ever written off (the
// fixed share of Herbster and Warmuth, "Tracking the Best Expert", 1998).
func (s *State) judge(q []float32, p *Policy) {
	if p.Share <= 0 {
		return
	}
	guess := 1 / float32(p.Classes)
	var foretold [2]float32
	for c, v := range q {
		foretold[0] += v * ((1-p.Alpha)*s.Window[c] + p.Alpha*guess)
		foretold[1] += v * ((1-p.Alpha)*s.Slow[c] + p.Alpha*guess)
	}
	fast, slow := s.Credit[0]*foretold[0], s.Credit[1]*foretold[1]
	all := fast + slow + (1-s.Credit[0]-s.Credit[1])*guess
	fresh := p.newCredit()
	s.Credit = [2]float32{(1-p.Share)*fast/all + p.Share*fresh[0], (1-p.Share)*slow/all + p.Share*fresh[1]}
}
