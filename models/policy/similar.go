package policy

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/schemas"
)

// ThumbnailSide is the width and height of a [Thumbnail].
const ThumbnailSide = 16

// Thumbnail is a picture in 256 shades of grey, row by row: the mean of what each of its fields shows.
type Thumbnail [ThumbnailSide * ThumbnailSide]byte

// Glance is what a frame shows before it is decoded for a net. A thumbnail needs an eighth of the picture's width and
// height, which for a JPEG are the DC coefficients of its blocks.
type Glance struct {
	Picture Thumbnail
	Seen    bool   // Picture is that of the frame; false: it could not be decoded
	Sum     uint64 // hash of the frame's bytes
	At      int64  // record time, ms
}

// Last is the frame from which the next ones may take their answer, and how often such answers were the same.
type Last struct {
	Known bool
	Glance
	Answer                   // of that frame
	Net    int               // specialist that answered it; -1: the full model
	Age    uint16            // frames since
	Stayed [distances]uint16 // frames at each distance from their last one that a repeated answer would have been right for …
	Moved  [distances]uint16 // … or wrong
}

// Limits of repeated answers, where a user names none.
const (
	DefaultSimilar   = 5
	DefaultSimilarMs = 2000
)

const (
	distances = 12 // that are counted separately; frames further apart are never similar

	sameRate   = 2     // audits of repeated answers, as a multiple of AuditRate
	sameChange = 0.005 // answers that may change, of those that are repeated …
	sameOwn    = 0.03  // … and of those at one distance
	sameDoubt  = 0.3   // changes that are assumed in addition to those seen
	sameMemory = 1000  // frames at one distance, after which older ones count half
)

// apart are the largest differences, in shades, that each distance stands for.
var apart = [distances]int{1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64}

// distance returns how far g is from the last frame, 0 … distances-1 or more; identical says that it is the same picture,
// byte by byte. Two frames are as far apart as the field of their thumbnails that differs most: an object that comes
// or goes changes few of them, while noise and light change all of them a little.
func (l *Last) distance(g Glance) (d int, identical bool) {
	switch {
	case l.Sum == g.Sum:
		return 0, true
	case !l.Seen || !g.Seen:
		return distances, false
	}
	most := 0
	for i, v := range l.Picture {
		most = max(most, int(v)-int(g.Picture[i]), int(g.Picture[i])-int(v))
	}
	for d < distances && most > apart[d] {
		d++
	}
	return d, false
}

// reach is the largest distance up to which so few answers were seen to change that they may be repeated, -1: none. One at
// which hardly any frame was seen ends it: on a camera that does not move that is where something new begins.
func (l *Last) reach() int {
	reach, all, moved := -1, 0, 0
	for d := range distances {
		own := int(l.Moved[d]) + int(l.Stayed[d])
		moved, all = moved+int(l.Moved[d]), all+own
		if float32(l.Moved[d])+sameDoubt > sameOwn*float32(own) && own > 0 {
			break
		}
		if own > 0 && float32(moved)+sameDoubt <= sameChange*float32(all) {
			reach = d
		}
	}
	return reach
}

// lasts reports whether an answer may still be repeated at that time.
func (l *Last) lasts(p *Policy, g Glance) bool {
	return l.Known && int(l.Age) < p.Similar && g.At >= l.At && g.At-l.At <= p.SimilarMs
}

// note counts frames as far from the last one as g for which its answer is right, and wrong.
func (l *Last) note(g Glance, right, wrong int) {
	d, identical := l.distance(g)
	if identical || d >= distances {
		return
	}
	if l.Stayed[d]+l.Moved[d] >= sameMemory {
		l.Stayed[d], l.Moved[d] = l.Stayed[d]/2, l.Moved[d]/2
	}
	l.Stayed[d] += uint16(min(right, sameMemory))
	l.Moved[d] += uint16(min(wrong, sameMemory))
}

// weigh counts what an answer that was found says about repeating the last one. A frame that was asked about because the answer had
// been repeated as often as may be stands for the frames before it, of which half were wrong if it changed; any other that
// changed stands for those that would have followed.
func (l *Last) weigh(p *Policy, g Glance, moved bool) {
	age := int(l.Age)
	switch ended := age >= p.Similar && l.reach() >= 0; {
	case ended && moved:
		l.note(g, age/2, age-age/2)
	case ended:
		l.note(g, age, 0)
	case moved:
		l.note(g, 0, max(1, p.Similar-age))
	default:
		l.note(g, 1, 0)
	}
}

func (l *Last) take(g Glance, a Answer, net int) {
	l.Known, l.Glance, l.Answer, l.Net, l.Age = true, g, a, net, 0
}

// Repeats reports whether the next frame of the stream takes the answer of the last answered one: it is nearly equal, and
// that one is neither too many frames nor too long ago. A stream whose net has to prove itself repeats nothing.
func (p *Policy) Repeats(s *State, g Glance) bool {
	l := &s.Last
	if p.Similar <= 0 || s.Trust.Mode == probation || !l.lasts(p, g) {
		return false
	}
	d, identical := l.distance(g)
	return identical || d <= l.reach() && d < distances
}

// Expect moves the state over a frame as if its answer will be what the last one's was. It serves to look ahead, on a copy.
func (p *Policy) Expect(s *State, g Glance) {
	if p.Repeats(s, g) {
		s.Last.Age++
		return
	}
	p.Answered(s, g, Decision{Answer: s.Last.Answer, Answered: true, Specialist: s.Last.Net})
}

// Repeat gives a frame for which Repeats holds the answer of the last one. The coin may ask the full model too.
func (p *Policy) Repeat(s *State, g Glance, nets Nets, coin Coin) Decision {
	l := &s.Last
	l.Age++
	d := Decision{Answer: l.Answer, Same: true, Answered: true, Specialist: l.Net, CacheEvent: schemas.CacheNone,
		Threshold: p.threshold(s), AuditClass: -1}
	if coin == nil || p.AuditRate <= 0 {
		return d
	}
	d.AuditRate = min(1, sameRate*p.AuditRate)
	if d.Audited = audit.Chosen(coin.Toss(), d.AuditRate); !d.Audited || p.Teacher != Inline {
		return d
	}
	if d.AuditErr = p.teacher(s, "full model", nets.Full, p.FullTemperature); d.AuditErr != nil {
		return d
	}
	a := summarise(s.q, Specialist{})
	d.AuditClass = a.Class
	if a.Class == d.Class {
		l.note(g, 1, 0)
	} else {
		l.note(g, 0, 1)
	}
	l.take(g, a, -1)
	d.CacheEvent, d.Moved = p.learn(s, s.q), true
	return d
}

// Answered makes a frame that was decided the one that later frames may take their answer from. While too little is known
// of the stream to repeat anything, the one before stays, so that answers are compared over all the frames that a
// repetition may last.
func (p *Policy) Answered(s *State, g Glance, d Decision) {
	l := &s.Last
	switch {
	case p.Similar <= 0:
		return
	case !d.Answered:
		l.Known = false // the full model answers elsewhere
		return
	}
	keep := false
	if l.Known && g.At >= l.At && g.At-l.At <= p.SimilarMs {
		moved := l.Class != d.Class
		l.weigh(p, g, moved)
		l.Age++
		keep = !moved && l.reach() < 0 && int(l.Age) < p.Similar
	}
	if keep {
		return
	}
	net := d.Specialist
	if !d.Hit && !d.Same {
		net = -1
	}
	l.take(g, d.Answer, net)
}

// sound reports whether l is what a policy of that many classes and specialists can have left.
func (l *Last) sound(classes, specialists int) bool {
	if *l == (Last{}) {
		return true
	}
	return l.Class >= 0 && l.Class < classes && l.Net >= -1 && l.Net < specialists && share(l.Confidence) &&
		l.Entropy >= 0 && l.Entropy <= math.MaxFloat32
}

// append appends one byte where no answers are repeated.
func (l *Last) append(b []byte) []byte {
	if *l == (Last{}) {
		return append(b, 0)
	}
	b = append(b, 1, flag(l.Known), flag(l.Seen))
	if l.Seen {
		b = append(b, l.Picture[:]...)
	}
	for _, v := range [...]int64{int64(l.Sum), l.At, int64(l.Class), int64(l.Net), int64(l.Age)} {
		b = binary.AppendVarint(b, v)
	}
	b = appendFloat(appendFloat(b, l.Confidence), l.Entropy)
	for d := range distances {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(l.Stayed[d])), uint64(l.Moved[d]))
	}
	return b
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// last reads what Last.append wrote.
func (r *reader) last() (l Last) {
	switch r.byte() {
	case 0:
		return Last{}
	case 1:
	default:
		r.bad = true
		return Last{}
	}
	known, seen := r.byte(), r.byte()
	l.Known, l.Seen = known == 1, seen == 1
	if l.Seen {
		copy(l.Picture[:], r.bytes(len(l.Picture)))
	}
	l.Sum, l.At = uint64(r.varint()), r.varint()
	l.Class, l.Net = int(r.varint()), int(r.varint())
	age := r.varint()
	l.Age = uint16(age)
	l.Confidence, l.Entropy = r.float(), r.float()
	r.bad = r.bad || known > 1 || seen > 1 || age != int64(l.Age)
	for d := range distances {
		l.Stayed[d], l.Moved[d] = r.short(), r.short()
	}
	if r.bad {
		return Last{}
	}
	return l
}

// lengthDistances is how many distances earlier versions told apart, by the lengths of two JPEGs.
const lengthDistances = 8

// lengths passes over what earlier versions wrote in the place of last: what they learned about the lengths of JPEGs says
// nothing about pictures.
func (r *reader) lengths() {
	if known := r.byte(); known == 0 || known > 2 {
		r.bad = r.bad || known > 2
		return
	}
	for range 6 {
		r.varint()
	}
	r.float()
	r.float()
	for range 2 * lengthDistances {
		r.short()
	}
}

// validateSimilar reports the first setting about repeated answers that is wrong.
func (s Settings) validateSimilar() error {
	switch {
	case s.Similar < 0 || s.Similar > math.MaxUint16:
		return fmt.Errorf("similar %d: must be 0 to %d frames", s.Similar, math.MaxUint16)
	case s.Similar > 0 && s.SimilarMs < 1:
		return fmt.Errorf("similar_ms %d: must be at least 1", s.SimilarMs)
	}
	return nil
}
