package policy

// State is what a stream remembers between frames. The zero value is a stream not seen yet. A State may be reused for
// one stream after the other with [State.UnmarshalBinary]; it then allocates nothing.
type State struct {
	Cached    []int       // specialists the stream holds, most recently used first; Cached[0] is active
	Window    []float32   // K: decaying average of the teacher's answers, sums to 1; empty until the first frame
	Slow      []float32   // K: like Window, over a longer time; uniform unless the policy has one (slow), or fuses answers (fuse)
	Credit    [2]float32  // weight that Window and Slow have earned by predicting, 0 … 1 together (share)
	Outside   float32     // running mean of the raw mass outside the window, 0 … 1 (guard)
	HitRate   float32     // decaying average of hits, 0 … 1
	Candidate int         // specialist that the last misses named but that is not held, -1 when none
	Named     int         // how many misses in a row named it
	Partition int32       // where the last learned frame was read
	Offset    int64       // of the last learned frame
	Trust     Trust       // what audits have shown
	Last      Last        // what frames may take their answer from (similar)
	Shots     [shots]Shot // what the full model saw last, of each class

	raw, q []float32 // scratch, so that a decision allocates nothing
}

// hitRateDecay makes HitRate an average over about the last 50 frames.
const hitRateDecay = 0.98

// Active returns the specialist that looks at the next frame; that of a stream not seen yet is 0.
func (s *State) Active() int {
	if len(s.Cached) == 0 {
		return 0
	}
	return s.Cached[0]
}

// Next returns the specialist that looks at the stream's next frame, and whether the full model answers it without a look
// at what the specialist says, after a state that this policy cannot go on from was started afresh.
func (p *Policy) Next(s *State) (active int, bypassed bool) {
	if !s.seen() && s.Offset == 0 {
		s.Offset = -1 // once the state is prepared it counts as seen, and the frame at offset 0 has yet to come
	}
	s.start(p)
	return s.Cached[0], s.Trust.Mode != answering
}

// Newer reports whether a frame follows the last one the state learned from, and remembers it. A runner that does not
// keep a key's order must not make a stream learn backwards. Another partition (a topic that grew) starts afresh.
func (s *State) Newer(partition int32, offset int64) bool {
	if !s.Follows(partition, offset) {
		return false
	}
	s.Partition, s.Offset = partition, offset
	return true
}

// Follows is Newer that remembers nothing.
func (s *State) Follows(partition int32, offset int64) bool {
	return partition != s.Partition || offset > s.Offset || !s.seen()
}

func (s *State) seen() bool { return len(s.Window) > 0 }

// Set makes s a copy of another state that shares no memory with it, and reuses the memory of its own slices.
func (s *State) Set(from *State) {
	cached, window, slow, raw, q := s.Cached, s.Window, s.Slow, s.raw, s.q
	*s = *from
	s.Cached = append(cached[:0], from.Cached...)
	s.Window, s.Slow = append(window[:0], from.Window...), append(slow[:0], from.Slow...)
	s.raw, s.q = raw, q
}

// start prepares the state of a stream not seen yet, and of one that this policy cannot go on from: that of another
// pack, or a damaged one. A number that is none must not spread through the windows.
func (s *State) start(p *Policy) {
	if s.fits(p.Classes, len(p.Specialists)) {
		return
	}
	fresh := State{Cached: append(s.Cached[:0], 0), Window: resize(s.Window, p.Classes), Slow: resize(s.Slow, p.Classes),
		Credit: p.newCredit(), Candidate: -1, Partition: s.Partition, Offset: s.Offset, raw: s.raw, q: s.q}
	*s = fresh
	for c := range s.Window {
		s.Window[c], s.Slow[c] = 1/float32(p.Classes), 1/float32(p.Classes)
	}
}

// fits reports whether the state is one of a pack of that many classes and specialists, and sound. It looks at every
// number before every frame, which costs 0.05 µs with 10 classes, 0.1 with 48 and 1.7 with 1,000 (BenchmarkFits on a
// busy machine, the best of five): 4 to 11 % of a decision, and about a thousandth of a frame.
func (s *State) fits(classes, specialists int) bool {
	if len(s.Window) != classes || len(s.Slow) != classes || len(s.Cached) == 0 {
		return false
	}
	for _, c := range s.Cached {
		if c < 0 || c >= specialists {
			return false
		}
	}
	for _, v := range [...]float32{s.Credit[0], s.Credit[1], s.Credit[0] + s.Credit[1], s.Outside, s.HitRate} {
		if !share(v) {
			return false
		}
	}
	return s.Trust.sound() && s.Shots[0].sound(classes) && s.Shots[1].sound(classes) && s.Last.sound(classes, specialists) && shares(s.Window) && shares(s.Slow)
}

// share reports whether v lies in 0 … 1, up to rounding; NaN does not.
func share(v float32) bool { return v >= 0 && v <= 1.001 }

func shares(p []float32) bool {
	for _, v := range p {
		if !share(v) {
			return false
		}
	}
	return true
}

// resize returns a slice of length n, which reuses the memory of b where that is enough.
func resize(b []float32, n int) []float32 {
	if cap(b) < n {
		return make([]float32, n)
	}
	return b[:n]
}

// teach moves the windows towards the distribution q of the teacher.
func (s *State) teach(q []float32, p *Policy) {
	s.judge(q, p)
	move(s.Window, q, p.Decay)
	if decay := p.slowDecay(); decay > 0 {
		move(s.Slow, q, decay)
	}
}

// fuseDecay is what one teaching leaves of the slow window where it only serves fused answers. An object that the full model takes for another class
// fills a window of the last few answers with that class, and fusing would confirm it; over longer the classes that the stream shows outweigh
// it. Chosen on rendered sequences and on CIFAR-10's tuning part: longer is better for the former, shorter for the latter.
const fuseDecay = 0.9

// slowDecay is what one teaching leaves of the slow window in place; 0: there is none. Without Slow it plays no part in decisions, since it has no credit.
func (p *Policy) slowDecay() float32 {
	if p.Slow == 0 && p.Fuse > 0 {
		return fuseDecay
	}
	return p.Slow
}

// sparse is the excess over the least likely class below which a class is treated as equal to it. One that is hardly
// expected has the prior of a guess whether the window holds a ten-thousandth of it or none, and a window of 1,000
// classes then names a few dozen.
const sparse = 1. / (1 << 15)

// ManyClasses is the number of classes from which a window tells only some apart, and from which [Many] plays simulations.
const ManyClasses = 128

// mostApart is how many of [ManyClasses] or more a window tells apart; the others are treated as equally likely. A teacher that is unsure about
// everything gives hundreds of classes a little each, which makes states large and simulations slow and tells nothing.
const mostApart = 32

// move makes w the average of itself and q in which w has the given weight, and levels the classes that hardly
// differ from the least likely one, and those beyond the mostApart likeliest: together they keep their mass.
func move(w, q []float32, weight float32) {
	least := float32(1)
	for c := range w {
		v := weight*w[c] + (1-weight)*q[c]
		w[c] = v
		if v < least {
			least = v
		}
	}
	var likeliest leaders
	enough := least + sparse
	if len(w) >= ManyClasses {
		for _, v := range w {
			if v >= enough {
				likeliest.add(v)
			}
		}
		enough = max(enough, likeliest.last())
	}
	var mass float32
	n := 0
	for _, v := range w {
		if v < enough {
			mass += v
			n++
		}
	}
	level := mass / float32(n)
	for c, v := range w {
		if v < enough {
			w[c] = level
		}
	}
}

// leaders are the mostApart largest of the values that were added, as a heap with the least of them first.
type leaders struct {
	n    int
	heap [mostApart]float32
}

func (l *leaders) add(v float32) {
	if l.n < mostApart {
		at := l.n
		for l.n++; at > 0 && l.heap[(at-1)/2] > v; at = (at - 1) / 2 {
			l.heap[at] = l.heap[(at-1)/2]
		}
		l.heap[at] = v
		return
	}
	if v <= l.heap[0] {
		return
	}
	at := 0
	for child := 1; child < mostApart; child = 2*at + 1 {
		if child+1 < mostApart && l.heap[child+1] < l.heap[child] {
			child++
		}
		if l.heap[child] >= v {
			break
		}
		l.heap[at], at = l.heap[child], child
	}
	l.heap[at] = v
}

// last is the least of them; 0 where fewer were added.
func (l *leaders) last() float32 {
	if l.n < mostApart {
		return 0
	}
	return l.heap[0]
}

// newCredit is that of windows that have learned nothing yet: each as much as a guess has.
func (p *Policy) newCredit() [2]float32 {
	if p.Slow > 0 {
		return [2]float32{1. / 3, 1. / 3}
	}
	return [2]float32{1. / 2, 0}
}

// judge moves the credit of the windows by how much better than a guess they predicted q: all three share a
// belief by Bayes' rule, part of which is handed back each time so that none is ever written off (the
// fixed share of Herbster and Warmuth, "Tracking the Best Expert", 1998).
func (s *State) judge(q []float32, p *Policy) {
	if p.Share <= 0 {
		return
	}
	var fast, slow float32
	for c, v := range q {
		fast += v * s.Window[c]
		slow += v * s.Slow[c]
	}
	s.earn(fast, slow, p)
}

// earn moves the credit of windows that gave what was shown these probabilities.
func (s *State) earn(fast, slow float32, p *Policy) {
	guess := 1 / float32(p.Classes)
	fast = s.Credit[0] * ((1-p.Alpha)*fast + p.Alpha*guess)
	slow = s.Credit[1] * ((1-p.Alpha)*slow + p.Alpha*guess)
	all := fast + slow + (1-s.Credit[0]-s.Credit[1])*guess
	if !(all > 0) {
		s.Credit = p.newCredit()
		return
	}
	fresh := p.newCredit()
	s.Credit = [2]float32{(1-p.Share)*fast/all + p.Share*fresh[0], (1-p.Share)*slow/all + p.Share*fresh[1]}
}
