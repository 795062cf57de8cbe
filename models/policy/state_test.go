package policy

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Encoding and decoding a state changes no later decision.
func TestEncodingChangesNoDecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPolicy(t)
		kept, stored := &State{}, &State{}
		var b []byte
		for range rapid.IntRange(1, 20).Draw(t, "frames") {
			n := anyNets(t)
			want, err := p.Decide(kept, n, true)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Decide(stored, n, true)
			if err != nil || got != want {
				t.Fatalf("%+v, %v, expected %+v", got, err, want)
			}
			b, _ = stored.AppendBinary(b[:0])
			if err := stored.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			if again, _ := stored.AppendBinary(nil); !bytes.Equal(again, b) {
				t.Fatalf("%x became %x", b, again)
			}
		}
	})
}

// The state over a thousand classes of which a stream shows few takes some hundred bytes.
func TestAStateOfAThousandClassesIsSmall(t *testing.T) {
	p, s, n := benchPolicy(1000), &State{}, newRows(1000, 1)
	n.full[0][0] += 9 // as confident as a full model
	for range 50 {
		if _, err := p.Decide(s, n, true); err != nil {
			t.Fatal(err)
		}
	}
	if b, _ := s.AppendBinary(nil); len(b) > 600 {
		t.Errorf("%d bytes", len(b))
	}
	fresh := &State{}
	fresh.start(p)
	if b, _ := fresh.AppendBinary(nil); len(b) > 60 {
		t.Errorf("%d bytes for a new stream", len(b))
	}
}

func TestDamagedEncodingsAreRefused(t *testing.T) {
	p, s := pairs(nil), &State{}
	s.start(p)
	s.Window[2], s.Partition, s.Offset = 0.5, 7, math.MaxInt64
	b, _ := s.AppendBinary(nil)
	for n := range b {
		got := &State{}
		if err := got.UnmarshalBinary(b[:n]); err == nil || got.seen() || len(got.Cached) > 0 {
			t.Errorf("the first %d of %d bytes: %+v, %v", n, len(b), got, err)
		}
	}
	if err := new(State).UnmarshalBinary(append(slices.Clone(b), 0)); err == nil {
		t.Error("a trailing byte was accepted")
	}
	if err := new(State).UnmarshalBinary([]byte{0x9a, 0x91}); err == nil {
		t.Error("the encoding of an earlier version was accepted")
	}
}

// One state, reused for one stream after the other, decides like a new one each time and allocates nothing.
func TestAReusedStateAllocatesNothing(t *testing.T) {
	p, n := benchPolicy(48), newRows(48, 64)
	p.Trust = 0.97
	s := &State{}
	step := func(b []byte) []byte {
		if err := s.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Decide(s, n, true); err != nil {
			t.Fatal(err)
		}
		n.at = (n.at + 1) % 64
		b, _ = s.AppendBinary(b[:0])
		return b
	}
	b, _ := s.AppendBinary(make([]byte, 0, 4096))
	if got := testing.AllocsPerRun(200, func() { b = step(b) }); got > 0 {
		t.Errorf("%v allocations a frame", got)
	}
}

// Moved is false only where later decisions would be the same without the frame.
func TestMovedReportsWhatMustBeStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := anyPolicy(t), &State{}
		for range rapid.IntRange(1, 12).Draw(t, "frames") {
			s.start(p)
			before, _ := (&State{Cached: s.Cached, Window: s.Window, Slow: s.Slow, Credit: s.Credit, Outside: s.Outside, Candidate: s.Candidate, Named: s.Named}).AppendBinary(nil)
			learn := rapid.Bool().Draw(t, "learn")
			d, err := p.Decide(s, anyNets(t), learn)
			if err != nil {
				t.Fatal(err)
			}
			after, _ := (&State{Cached: s.Cached, Window: s.Window, Slow: s.Slow, Credit: s.Credit, Outside: s.Outside, Candidate: s.Candidate, Named: s.Named}).AppendBinary(nil)
			if !d.Moved && !bytes.Equal(before, after) {
				t.Fatalf("%+v changed the state without reporting it", d)
			}
			if d.Moved && !learn {
				t.Fatal("a frame that teaches nothing changed the state")
			}
		}
	})
}

func TestExpAndLogAreAsGoodAsFloat32(t *testing.T) {
	for x := float32(0); x > -87; x -= 0.0137 {
		want := math.Exp(float64(x))
		if got := float64(exp(x)); math.Abs(got-want) > 4e-7*want {
			t.Fatalf("exp(%v) = %v, expected %v", x, got, want)
		}
	}
	for x := float32(1); x > 1e-30; x *= 0.973 {
		want := math.Log(float64(x))
		if got := float64(log(x)); math.Abs(got-want) > 4e-7*max(1, -want) {
			t.Fatalf("log(%v) = %v, expected %v", x, got, want)
		}
	}
	for _, x := range []float32{float32(math.NaN()), float32(math.Inf(-1)), -1e30} {
		if exp(x) != 0 {
			t.Errorf("exp(%v) = %v", x, exp(x))
		}
	}
}

// Levelling a window preserves its mass and leaves the other entries unchanged.
func TestMoveKeepsTheMass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(2, 40).Draw(t, "classes")
		q, w := make([]float32, k), slices.Repeat([]float32{1 / float32(k)}, k)
		weight := rapid.Float32Range(0, 0.99).Draw(t, "weight")
		for range rapid.IntRange(1, 50).Draw(t, "times") {
			if err := softmax(q, rapid.SliceOfN(rapid.Float32Range(-20, 20), k, k).Draw(t, "logits"), 1); err != nil {
				t.Fatal(err)
			}
			exact := make([]float32, k)
			for c := range w {
				exact[c] = weight*w[c] + (1-weight)*q[c]
			}
			move(w, q, weight)
			var sum float32
			for c := range w {
				sum += w[c]
				if d := w[c] - exact[c]; d > sparse || d < -sparse {
					t.Fatalf("class %d: %v, expected %v", c, w[c], exact[c])
				}
			}
			if sum < 0.999 || sum > 1.001 {
				t.Fatalf("sums to %v", sum)
			}
		}
	})
}

// A window of many classes tells the likeliest apart and treats the others as equal, whatever the teacher gives them.
func TestMoveTellsFewOfManyClassesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(ManyClasses, 300).Draw(t, "classes")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		q, w, logits, weight := make([]float32, k), slices.Repeat([]float32{1 / float32(k)}, k), make([]float32, k), float32(0.8)
		for range rapid.IntRange(1, 20).Draw(t, "times") {
			for c := range logits {
				logits[c] = float32(rng.NormFloat64())
			}
			if err := softmax(q, logits, 1); err != nil {
				t.Fatal(err)
			}
			exact := make([]float32, k)
			for c := range w {
				exact[c] = weight*w[c] + (1-weight)*q[c]
			}
			move(w, q, weight)
			order, level := slices.Sorted(slices.Values(exact)), slices.Min(w)
			apart, sum := 0, float32(0)
			for c, v := range w {
				sum += v
				if v == level {
					continue
				}
				if apart++; v != exact[c] || v < order[k-mostApart] {
					t.Fatalf("class %d: %v, expected %v, the least of the likeliest is %v", c, v, exact[c], order[k-mostApart])
				}
			}
			if apart != mostApart || sum < 0.999 || sum > 1.001 {
				t.Fatalf("%d classes are apart, the window sums to %v", apart, sum)
			}
		}
	})
}

// Packs of fewer classes have no such limit.
func TestMoveTellsAllOfFewClassesApart(t *testing.T) {
	k := ManyClasses - 1
	q, w := make([]float32, k), slices.Repeat([]float32{1 / float32(k)}, k)
	for c := range q {
		q[c] = 2 * float32(c) / float32(k*(k-1))
	}
	move(w, q, 0.5)
	if distinct := len(slices.Compact(slices.Sorted(slices.Values(w)))); distinct < k-2 {
		t.Errorf("%d of %d classes differ", distinct, k)
	}
}

func TestLeaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float32Range(0, 1), 0, 200).Draw(t, "values")
		var l leaders
		for _, v := range values {
			l.add(v)
		}
		slices.Sort(values)
		want := float32(0)
		if len(values) >= mostApart {
			want = values[len(values)-mostApart]
		}
		if got := l.last(); got != want {
			t.Fatalf("the last of the leaders is %v, expected %v", got, want)
		}
	})
}

// The first frame of a partition teaches, also where the state was prepared before its offset was looked at, and was stored in
// between; no frame teaches twice.
func TestTheFirstOffsetIsNewer(t *testing.T) {
	for _, prepared := range []bool{false, true} {
		p, s := global(nil), &State{}
		if prepared {
			p.Next(s)
			b, err := s.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
		}
		if !s.Newer(0, 0) {
			t.Fatalf("prepared %v: the frame at offset 0 of partition 0 does not teach", prepared)
		}
		decide(t, p, s, &fakeNets{specialist: map[int][]float32{0: {0, 0, 0, 0}}, selector: []float32{9, 0, 0, 0}})
		p.Next(s)
		if s.Newer(0, 0) || !s.Newer(0, 1) {
			t.Errorf("prepared %v: offset 0 teaches twice, or offset 1 does not", prepared)
		}
	}
}
