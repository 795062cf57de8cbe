package policy

import (
	"encoding/binary"
	"errors"
	"math"
)

// stateVersion is the first byte of an encoded state. Those of earlier versions are read too: the first hold nothing about
// audits, the next nothing about repeated answers, the next no last answer, the next no pictures, the next none that the full model saw.
const (
	stateVersion    = 7
	shotless        = 6
	pictureless     = 5
	answerless      = 4
	unrepeating     = 3
	unauditedStates = 2
)

// maxLength bounds the lists of an encoded state: it comes back from a file, and a damaged one must not take all memory.
const maxLength = 1 << 16

var (
	errStateVersion = errors.New("stream state: written by another version of cachenet")
	errState        = errors.New("stream state: damaged")
)

// AppendBinary appends the encoded state to b, as [encoding.BinaryAppender]; it never fails. A window is written as the
// share of the least likely class, which most classes have, and the classes that differ, so that 1,000 classes take
// some hundred bytes.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, stateVersion)
	b = binary.AppendUvarint(b, uint64(len(s.Cached)))
	for _, c := range s.Cached {
		b = binary.AppendVarint(b, int64(c))
	}
	b = appendWindow(b, s.Window)
	b = appendWindow(b, s.Slow)
	for _, v := range [...]float32{s.Credit[0], s.Credit[1], s.Outside, s.HitRate} {
		b = appendFloat(b, v)
	}
	for _, v := range [...]int64{int64(s.Candidate), int64(s.Named), int64(s.Partition), s.Offset} {
		b = binary.AppendVarint(b, v)
	}
	return s.appendShots(s.Last.append(s.Trust.append(b))), nil
}

// append appends one byte where there are no audits and the cost of nets is unknown.
func (t *Trust) append(b []byte) []byte {
	if *t == (Trust{}) {
		return append(b, 0)
	}
	b = append(b, 1, t.Mode, t.Level, t.Fresh, t.Spent)
	for _, v := range [...]uint16{t.Frames, t.Right, t.Proof, t.Class} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for _, v := range [...]float32{t.Drift, t.Over, t.Under} {
		b = appendFloat(b, v)
	}
	return b
}

// appendWindow appends length, number of classes that differ from the level, level, and then these classes, each as its
// distance from the one before and its share; where that is no shorter, all shares in order.
func appendWindow(b []byte, w []float32) []byte {
	b = binary.AppendUvarint(b, uint64(len(w)))
	if len(w) == 0 {
		return b
	}
	level, differ := w[0], 0
	for _, v := range w {
		if v < level {
			level = v
		}
	}
	for _, v := range w {
		if v != level {
			differ++
		}
	}
	b = binary.AppendUvarint(b, uint64(differ))
	if 5*differ >= 4*len(w) {
		for _, v := range w {
			b = appendFloat(b, v)
		}
		return b
	}
	b = appendFloat(b, level)
	last := 0
	for c, v := range w {
		if v != level {
			b = appendFloat(binary.AppendUvarint(b, uint64(c-last)), v)
			last = c
		}
	}
	return b
}

func appendFloat(b []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}

// UnmarshalBinary replaces the state by the encoded one, as [encoding.BinaryUnmarshaler], and reuses the memory of its
// slices; b is not kept. After an error the state is that of a stream not seen yet.
func (s *State) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	version := r.byte()
	if !r.bad && (version < unauditedStates || version > stateVersion) {
		s.clear()
		return errStateVersion
	}
	s.Cached = s.Cached[:0]
	for range r.length() {
		s.Cached = append(s.Cached, int(r.varint()))
		if r.bad {
			break
		}
	}
	s.Window, s.Slow = r.window(s.Window), r.window(s.Slow)
	s.Credit = [2]float32{r.float(), r.float()}
	s.Outside, s.HitRate = r.float(), r.float()
	s.Candidate, s.Named = int(r.varint()), int(r.varint())
	partition := r.varint()
	s.Partition, s.Offset = int32(partition), r.varint()
	s.Trust, s.Last, s.Shots = Trust{}, Last{}, [shots]Shot{}
	if version > unauditedStates {
		s.Trust = r.trust(version)
	}
	switch {
	case version > pictureless:
		s.Last = r.last()
	case version > unrepeating:
		r.lengths()
	}
	if version > shotless {
		s.Shots = r.shots()
	}
	if r.bad || len(r.b) > 0 || partition != int64(s.Partition) {
		s.clear()
		return errState
	}
	return nil
}

// clear makes the state that of a stream not seen yet and keeps its memory.
func (s *State) clear() {
	*s = State{Cached: s.Cached[:0], Window: s.Window[:0], Slow: s.Slow[:0], raw: s.raw, q: s.q}
}

// reader takes an encoding apart; bad says that it ended early or does not fit, and then what is read is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) < 1 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// bytes returns the next n bytes, not copied; fewer where it is bad.
func (r *reader) bytes(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) float() float32 {
	if len(r.b) < 4 {
		r.bad, r.b = true, nil
		return 0
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(r.b))
	r.b = r.b[4:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) short() uint16 {
	n := r.uvarint()
	if n > math.MaxUint16 {
		r.bad, r.b = true, nil
		return 0
	}
	return uint16(n)
}

func (r *reader) length() int {
	n := r.uvarint()
	if n > maxLength {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

// trust reads what Trust.append wrote.
func (r *reader) trust(version byte) Trust {
	if r.byte() == 0 {
		return Trust{}
	}
	t := Trust{Mode: r.byte(), Level: r.byte(), Fresh: r.byte()}
	if version > unrepeating {
		t.Spent = r.byte()
	}
	for _, v := range [...]*uint16{&t.Frames, &t.Right, &t.Proof} {
		*v = r.short()
	}
	if version > answerless {
		t.Class = r.short()
	}
	t.Drift, t.Over, t.Under = r.float(), r.float(), r.float()
	if r.bad {
		return Trust{}
	}
	return t
}

// window reads what appendWindow wrote into the memory of w.
func (r *reader) window(w []float32) []float32 {
	n := r.length()
	if n == 0 {
		return w[:0]
	}
	differ := r.length()
	w = resize(w, n)
	if 5*differ >= 4*n {
		for c := range w {
			w[c] = r.float()
		}
		return w
	}
	level := r.float()
	for c := range w {
		w[c] = level
	}
	at := uint64(0)
	for range differ {
		at += r.uvarint()
		if at >= uint64(n) || r.bad {
			r.bad, r.b = true, nil
			return w
		}
		w[at] = r.float()
	}
	return w
}
