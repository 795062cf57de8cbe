package policy

//go:generate go run github.com/tinylib/msgp -file state.go -tests=false

//msgp:tuple State

// State is what a stream remembers between frames. The zero value is a stream not seen yet. Its lengths are limited
// because it comes back from a file: a damaged one must not take all memory.
type State struct {
	Cached    []int     `msg:"cached,limit=65536"` // specialists the stream holds, most recently used first; Cached[0] is active
	Window    []float32 `msg:"window,limit=65536"` // K: decaying average of the teacher's answers, sums to 1; empty until the first frame
	Credit    float32   // how far the window has earned belief, 0 … 1 (share)
	Outside   float32   // running mean of the raw mass outside the window, 0 … 1 (guard)
	HitRate   float32   // decaying average of hits, 0 … 1
	Candidate int       // specialist that the last misses named but that is not held, -1 when none
	Named     int       // how many misses in a row named it
	Partition int32     // where the last learned frame was read
	Offset    int64     // of the last learned frame
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
func (s *State) start(classes, specialists int) {
	fits := len(s.Window) == classes && len(s.Cached) > 0
	for _, c := range s.Cached {
		fits = fits && c >= 0 && c < specialists
	}
	if fits {
		return
	}
	*s = State{Cached: []int{0}, Window: make([]float32, classes), Credit: newCredit, Candidate: -1, Partition: s.Partition, Offset: s.Offset}
	for c := range s.Window {
		s.Window[c] = 1 / float32(classes)
	}
}

// teach moves the window towards the distribution q of the teacher.
func (s *State) teach(q []float32, p *Policy) {
	s.judge(q, p)
	for c := range s.Window {
		s.Window[c] = p.Decay*s.Window[c] + (1-p.Decay)*q[c]
	}
}

// newCredit is that of a window nobody has taught.
const newCredit = 0.5

// judge moves the credit of the window by how much better than a guess it foretold q: the two share a
// belief by Bayes' rule, part of which is handed back each time so that neither is ever written off.
func (s *State) judge(q []float32, p *Policy) {
	if p.Share <= 0 {
		return
	}
	guess := 1 / float32(p.Classes)
	var foretold float32
	for c, w := range s.Window {
		foretold += q[c] * ((1-p.Alpha)*w + p.Alpha*guess)
	}
	earned := s.Credit * foretold / (s.Credit*foretold + (1-s.Credit)*guess)
	s.Credit = (1-p.Share)*earned + p.Share*newCredit
}
