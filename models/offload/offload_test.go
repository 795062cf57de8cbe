package offload

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

func distribution(t *rapid.T, k int, name string) []float32 {
	p, sum := make([]float32, k), float32(0)
	for c := range p {
		p[c] = rapid.Float32Range(0, 1).Draw(t, name)
		sum += p[c]
	}
	for c := range p {
		p[c] = (p[c] + 1e-3) / (sum + 1e-3*float32(k))
	}
	return p
}

func TestFusionIsADistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 20).Draw(t, "classes")
		full, prior := distribution(t, k, "full"), distribution(t, k, "prior")
		f := Fusion{rapid.Float64Range(0, 1).Draw(t, "prior weight")}
		dst, sum := make([]float32, k), float64(0)
		best, err := f.Combine(dst, full, prior)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range dst {
			sum += float64(p)
			if !(p >= 0 && p <= dst[best]) {
				t.Fatalf("class %d is not the best of %v", best, dst)
			}
		}
		if math.Abs(sum-1) > 1e-4 {
			t.Fatalf("sums to %v", sum)
		}
		alone, _ := Fusion{}.Combine(dst, full, prior)
		for _, p := range full {
			if p > full[alone] {
				t.Fatal("without a weight the full model's answer must stand")
			}
		}
	})
}

func TestFusionRefusesOtherClasses(t *testing.T) {
	if _, err := (Fusion{}).Combine(make([]float32, 2), make([]float32, 3), make([]float32, 2)); err == nil {
		t.Error("distributions of different lengths are combined")
	}
	if _, err := (Fusion{}).Combine(nil, nil, nil); err == nil {
		t.Error("no classes are combined")
	}
}

// examples where the full model is right in 7 of 10 frames and says so weakly, and the prior in 8 or 3 of 10, independently.
func examples(n int, seed uint64, informative bool) []Example {
	rng := rand.New(rand.NewPCG(seed, 1))
	say := func(class int, right float64, sure float32) []float32 {
		if rng.Float64() > right {
			class = (class + 1 + rng.IntN(3)) % 4
		}
		rest := (1 - sure) / 3
		p := []float32{rest, rest, rest, rest}
		p[class] = sure
		return p
	}
	var all []Example
	for range n {
		class, helpful := rng.IntN(4), 0.25
		if informative {
			helpful = 0.8
		}
		all = append(all, Example{class, len(all), say(class, 0.7, 0.4), say(class, helpful, 0.6)})
	}
	return all
}

func TestFitHelpsOnOtherExamples(t *testing.T) {
	f := Fit(examples(2000, 1, true), 0.01)
	other := examples(2000, 2, true)
	if fused, alone := count(f, other), count(Fusion{}, other); fused < alone+40 {
		t.Errorf("%+v: %v right, the full model alone %v", f, fused, alone)
	}
	if f := Fit(examples(2000, 3, false), 0.01); f != (Fusion{}) {
		t.Errorf("what does not help has the weights %+v", f)
	}
	if f := Fit(nil, 0); f != (Fusion{}) {
		t.Errorf("no examples: %+v", f)
	}
}

// count is the number of examples that are right.
func count(f Fusion, examples []Example) (all float64) {
	for _, n := range f.right(examples) {
		all += n
	}
	return all
}

// A weight that is best because of one sequence is not told from a smaller one; many sequences that agree tell it.
func TestFitCountsSequencesNotFrames(t *testing.T) {
	// the prior rights every such frame from the weight 0.3 on, and those of the doubtful kind from 0.9 on
	plain := Example{Class: 1, Full: []float32{0.5, 0.45, 0.05}, Prior: []float32{0.3, 0.6, 0.1}}
	doubtful := Example{Class: 1, Full: []float32{0.6, 0.35, 0.05}, Prior: []float32{0.3, 0.6, 0.1}}
	of := func(e Example, frames, groups int) (all []Example) {
		for i := range frames {
			e.Group = 1000*int(100*e.Full[0]) + i%groups
			all = append(all, e)
		}
		return all
	}
	one := Fit(append(of(plain, 100, 100), of(doubtful, 20, 1)...), 0.01)
	many := Fit(append(of(plain, 100, 100), of(doubtful, 20, 20)...), 0.01)
	if one.Prior == 0 || one.Prior >= 0.5 || many.Prior <= 0.5 {
		t.Errorf("20 frames of one sequence ask for %+v, of 20 sequences for %+v", one, many)
	}
}

// While the server has never answered only the link's time is known: what leaves it no time is not asked.
func TestAServerThatNeverAnsweredIsGivenTime(t *testing.T) {
	for took, want := range map[time.Duration]Action{60 * ms: Ask, 80 * ms: Here} {
		var m Meter
		r := Rule{Meter: &m, Costs: Costs{Full: 100 * ms, Forms: []Form{{Bytes: 100}}}, Limits: Limits{Waiting: 5}}
		m.Ack(took, m.Send(0, 100))
		if c := r.Miss(took, 0); c.Action != want {
			t.Errorf("a link of %v, nothing known of the server, 100 ms here: %v", took, c.Action)
		}
		id := m.Send(took, 100)
		m.Ack(2*took, id)
		m.Answer(id, 2*took+ms)
		if c := r.Miss(2*took+ms, 0); c.Action != Ask {
			t.Errorf("a link of %v and a server that takes 1 ms, 100 ms here: %v", took, c.Action)
		}
	}
}

// transit is a link without a queue.
type transit struct {
	rate float64 // bytes per second
	rtt  time.Duration
}

func (l transit) took(bytes int) time.Duration { return l.rtt + seconds(float64(bytes)/l.rate) }

// feed sends messages of two sizes in turn, each after the answer to the one before.
func (l transit) feed(m *Meter, from time.Duration, n int) time.Duration {
	for i := range n {
		bytes := 100
		if i%2 == 0 {
			bytes = 1500
		}
		id := m.Send(from, bytes)
		from += l.took(bytes)
		m.Ack(from, id)
		m.Answer(id, from+2*ms)
		from += 100 * ms
	}
	return from
}

func TestMeterMeasuresTheLink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := transit{rapid.Float64Range(2e4, 1e7).Draw(t, "rate"), time.Duration(rapid.IntRange(1, 500).Draw(t, "rtt")) * ms}
		var m Meter
		now := l.feed(&m, 0, 20)
		want := l.took(20_000) + 2*ms
		if got := m.Expect(now, 20_000); got < want*8/10 || got > want*12/10 {
			t.Fatalf("expects %v for 20 kB, it takes %v", got, want)
		}
	})
}

func TestMeterFollowsALinkThatChanges(t *testing.T) {
	var m Meter
	now := transit{1e7, 5 * ms}.feed(&m, 0, 30)
	now = transit{1e5, 300 * ms}.feed(&m, now, 60)
	if got := m.Expect(now, 1000); got < 250*ms || got > 400*ms {
		t.Errorf("expects %v on a link that now takes 310 ms", got)
	}
}

func TestMeterSeesThatTheLinkIsDown(t *testing.T) {
	var m Meter
	now := transit{1e6, 50 * ms}.feed(&m, 0, 10)
	id := m.Send(now, 1000)
	if m.Down(now + 100*ms) {
		t.Error("down before an answer is overdue")
	}
	if !m.Down(now + 2*time.Second) {
		t.Error("an answer overdue for two seconds is no sign")
	}
	m.Answer(id, now+3*time.Second)
	m.Answer(id, now+3*time.Second) // a duplicate
	if m.Waiting() != 0 || m.Down(now+4*time.Second) {
		t.Error("down with nothing waiting")
	}
}

// Whatever was measured, a rule never names what it does not have, and asks no more than it may.
func TestRuleKeepsItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Meter
		now := time.Duration(0)
		r := Rule{Meter: &m, Limits: Limits{Waiting: rapid.IntRange(1, 5).Draw(t, "limit"), Deadline: time.Duration(rapid.IntRange(0, 50).Draw(t, "deadline")) * ms}}
		r.Small, r.Decode, r.Forms = 2*ms, ms, []Form{{Bytes: 16_000}, {Bytes: 3000, Encode: ms}}
		if rapid.Bool().Draw(t, "here") {
			r.Full = time.Duration(rapid.IntRange(1, 100).Draw(t, "full")) * ms
		}
		b := Bandit{Costs: r.Costs, Limits: r.Limits, Meter: &m}
		for range 30 {
			now += time.Duration(rapid.IntRange(0, 300).Draw(t, "gap")) * ms
			for _, one := range []Controller{&r, &b} {
				first := rapid.Bool().Draw(t, "first")
				c := one.Miss(now, ms)
				if first {
					c = one.First(now, rapid.Float64Range(0, 1).Draw(t, "hit rate"), ms)
				}
				waiting := m.Waiting()
				switch {
				case c.Action == Here && r.Full == 0:
					t.Fatal("a full model that the device does not have")
				case c.Action == Ask && (waiting >= r.Waiting || m.Down(now) || c.Form >= len(r.Forms)):
					t.Fatalf("asks in form %d with %d waiting, down: %v", c.Form, waiting, m.Down(now))
				case c.Provisional && (r.Deadline == 0 || first || c.Action == Alone):
					t.Fatalf("%+v is provisional", c)
				case (c.Patience > 0) != (c.Action == Ask && r.Full > 0) || c.Patience > r.Full:
					t.Fatalf("waits %v for an answer that takes %v here", c.Patience, r.Full)
				case !first && c.Action == Alone && r.Full > 0:
					t.Fatal("answers alone where the full model is at hand")
				}
				one.Settled(now, c, first, time.Duration(rapid.IntRange(1, 400).Draw(t, "took"))*ms)
			}
			if rapid.Bool().Draw(t, "sends") {
				id := m.Send(now, 1000)
				if rapid.Bool().Draw(t, "answered") {
					m.Ack(now+19*ms, id)
					m.Answer(id, now+20*ms)
				}
			}
		}
	})
}

// settle plays a controller on a link and returns how often each action was chosen after misses in the second half.
func settle(c Controller, m *Meter, l transit, here time.Duration, from time.Duration) (time.Duration, map[Action]int) {
	chosen := map[Action]int{}
	for i := range 200 {
		choice := c.Miss(from, 0)
		took := here
		if choice.Action == Ask {
			took = l.took(3000) + 2*ms
			id := m.Send(from, 3000)
			m.Ack(from+took-2*ms, id)
			m.Answer(id, from+took)
		}
		if i%10 == 0 {
			from = l.feed(m, from, 2)
		}
		c.Settled(from+took, choice, false, took)
		if from += 100 * ms; i >= 100 {
			chosen[choice.Action]++
		}
	}
	return from, chosen
}

func TestControllersChooseTheQuickerAndSwitch(t *testing.T) {
	for name, make := range map[string]func(Costs, *Meter) Controller{
		"rule":   func(c Costs, m *Meter) Controller { return &Rule{Costs: c, Limits: Limits{Waiting: 9}, Meter: m} },
		"bandit": func(c Costs, m *Meter) Controller { return &Bandit{Costs: c, Limits: Limits{Waiting: 9}, Meter: m} },
	} {
		var m Meter
		here := 100 * ms
		c := make(Costs{Small: ms, Decode: ms, Full: here, Forms: []Form{{Bytes: 3000}}}, &m)
		now, fast := settle(c, &m, transit{1e7, 5 * ms}, here, 0)
		now, slow := settle(c, &m, transit{1e5, 500 * ms}, here, now)
		_, again := settle(c, &m, transit{1e7, 5 * ms}, here, now)
		if fast[Ask] < 95 || slow[Here] < 95 || again[Ask] < 90 {
			t.Errorf("%s: fast link %v, slow link %v, fast again %v", name, fast, slow, again)
		}
	}
}

func TestFirstPassesTheSmallNetOverWhereItSavesNothing(t *testing.T) {
	var m Meter
	l := transit{1e7, 5 * ms}
	r := Rule{Meter: &m, Limits: Limits{Waiting: 9}, Costs: Costs{Small: 40 * ms, Decode: 30 * ms, Forms: []Form{{Bytes: 3000}}}}
	if c := r.First(0, 0.9, 0); c.Action != Alone {
		t.Errorf("an unknown link: %+v", c)
	}
	now := l.feed(&m, 0, 10)
	asks := 0
	for range 160 {
		if r.First(now, 0.9, 0).Action == Ask {
			asks++
		}
	}
	if asks != 150 {
		t.Errorf("asks at once for %d of 160 frames: one in %d must still show the hit rate", asks, probeFirst)
	}
	r.Small, r.Decode = 2*ms, ms
	if c := r.First(now, 0.9, 0); c.Action != Alone {
		t.Errorf("a quick small net is passed over: %+v", c)
	}
}

func TestActionsHaveNames(t *testing.T) {
	for a, want := range map[Action]string{Alone: "alone", Ask: "ask", Here: "here", 9: "action 9"} {
		if a.String() != want {
			t.Errorf("%d is %q", a, a)
		}
	}
}

// Where answers are to be provisional, one over a link that nobody knows yet is.
func TestAnUnknownLinkIsAnsweredProvisionally(t *testing.T) {
	costs, limits := Costs{Small: ms, Decode: ms, Forms: []Form{{Bytes: 3000}}}, Limits{Waiting: 9, Deadline: 20 * ms}
	for _, c := range []Controller{&Rule{Costs: costs, Limits: limits, Meter: new(Meter)}, &Bandit{Costs: costs, Limits: limits, Meter: new(Meter)}} {
		if got := c.Miss(0, 0); got.Action != Ask || !got.Provisional {
			t.Errorf("%T: %+v", c, got)
		}
	}
}

// Probes show both the rate and the round trip, at the price of few large ones.
func TestProbesAreOfTwoSizes(t *testing.T) {
	var m Meter
	l, now, large := transit{1e5, 50 * ms}, time.Duration(0), 0
	for i := range 60 {
		id, bytes := m.Probe(now)
		if bytes == probeLarge {
			large++
		}
		now += l.took(bytes)
		m.Ack(now, id)
		now += time.Second
		if rtt, rate, _ := m.Link(); i > 0 && (rtt < 45*ms || rtt > 55*ms || rate < 9e4 || rate > 1.1e5) {
			t.Fatalf("after %d probes: %v, %.0f bytes/s", i+1, rtt, rate)
		}
	}
	if large < 10 || large > 20 {
		t.Errorf("%d of 60 probes are large", large)
	}
}

// An outage says nothing about the link that comes after it, and a message that could not be sent is a sign of one.
func TestAnOutageIsNoMeasurement(t *testing.T) {
	var m Meter
	now := transit{1e6, 50 * ms}.feed(&m, 0, 10)
	before := m.Expect(now, 1000)
	id := m.Send(now, 1000)
	late, _ := m.Probe(now + time.Second)
	if now += 20 * time.Second; !m.Down(now) {
		t.Fatal("not down")
	}
	m.Ack(now, id)
	m.Ack(now, late)
	m.Answer(id, now)
	if got := m.Expect(now, 1000); m.Down(now) || got > 2*before {
		t.Errorf("expects %v, before the outage %v", got, before)
	}
	failed, _ := m.Probe(now)
	if m.Fail(failed); !m.Down(now) {
		t.Error("a link over which nothing can be sent is not down")
	}
	m.Ack(now, m.Send(now, 10))
	if m.Down(now) {
		t.Error("a sign of the link is not believed")
	}
}

// A frame that the full model here has answered is done with once the server has it.
func TestReleasedFramesDoNotWait(t *testing.T) {
	var m Meter
	early, late := m.Send(0, 10), m.Send(0, 10)
	m.Ack(ms, early)
	m.Release(early, 2*ms)
	m.Release(late, 2*ms)
	if m.Ack(ms, late); len(m.sent) != 0 || m.Waiting() != 0 {
		t.Errorf("%+v", m.sent)
	}
}

func TestADeviceFollowsItsMode(t *testing.T) {
	now := time.Now()
	for mode, want := range map[Mode]Action{ModeAsk: Ask, ModeHere: Here, ModeAlone: Alone, ModeAuto: Here} {
		d := NewDevice(mode, 10*ms, now)
		if c := d.Miss(now, 3000); c.Action != want || mode.Validate() != nil || d.Measures() != (mode == ModeAuto) {
			t.Errorf("%s: %+v", mode, c)
		}
	}
	if Mode("often").Validate() == nil {
		t.Error("an unknown mode passes")
	}
	var none *Device
	if c := none.Miss(now, 1); c.Action != Ask || none.Measures() {
		t.Errorf("%+v", c)
	}
	d := NewDevice(ModeAuto, 100*ms, now)
	for range 2 {
		id, _, due := d.Probe(now)
		if _, _, again := d.Probe(now); !due || again {
			t.Errorf("a probe is due: %v, and another one: %v", due, again)
		}
		d.Ack(now.Add(ms), id)
		now = now.Add(ProbeEvery)
	}
	if c := d.Miss(now, 3000); c.Action != Ask || c.Patience <= 0 || c.Patience > 100*ms {
		t.Errorf("over a quick link: %+v", c)
	}
	for range 100 {
		d.Answered(100 * time.Microsecond)
	}
	if c := d.Miss(now, 3000); c.Action != Here {
		t.Errorf("the full model is quick after all: %+v", c)
	}
}
