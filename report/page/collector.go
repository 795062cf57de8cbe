package page

import (
	"slices"
	"sync"
	"time"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/schemas"
)

// What a Collector keeps at most; see the package.
const (
	maxStreams = 100_000
	maxStrips  = 4_096
	maxPairs   = 10_000
	maxReasons = 100
	maxNets    = 255
)

// others stands for what is beyond a bound.
const others = "(others)"

// Collector aggregates rows into what a page shows. Its methods may be called concurrently.
type Collector struct {
	mu      sync.Mutex
	axis    axis
	whole   stream // all streams together
	streams map[string]*stream
	strips  int
	nets    []string // of the hits, by cell.net - 1
	numbers map[string]uint8
	packs   map[string]struct{}

	truths, rights      int64 // answers whose true class is known, and those that equal it
	fromFull, fromTruth pairs
	reasons             map[string]int64
	latency             map[string]*histogram // by outcome
	model               modelTime
	audits              audit.Count
	emitted             [2]int64 // the first and the last, µs
	first, last         int64    // event time, µs
}

// stream is what is known of one stream, and of all.
type stream struct {
	name                         string
	frames, hits, misses, errors int64
	known, right                 int64 // answers with something to compare them with, and those that equal it
	changes                      int64
	strip                        *series // nil: beyond the bound
}

// modelTime is the time in nets, µs, and the frames that each one was asked about.
type modelTime struct {
	small, selector, full                   float64
	smallFrames, selectorFrames, fullFrames int64
	answered                                int64
}

// NewCollector returns one that has seen no row.
func NewCollector() *Collector {
	return &Collector{
		axis: axis{width: 1000}, whole: stream{strip: &series{}}, streams: map[string]*stream{}, numbers: map[string]uint8{},
		packs: map[string]struct{}{}, reasons: map[string]int64{}, latency: map[string]*histogram{},
		fromFull: pairs{counts: map[pair]int64{}}, fromTruth: pairs{counts: map[pair]int64{}},
	}
}

// Add counts one row. full is the full model's answer to the same frame, where it is known from elsewhere: a replay.
func (c *Collector) Add(o *schemas.Outcome, full string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(o, full)
}

// AddAll counts rows whose frames the full model has not answered elsewhere.
func (c *Collector) AddAll(rows []schemas.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range rows {
		c.add(&rows[i], "")
	}
}

func (c *Collector) add(o *schemas.Outcome, full string) {
	if full == "" {
		full = o.AuditLabel
	}
	slot := c.slot(o)
	one := c.cellOf(o, full)
	c.whole.add(one, slot)
	c.stream(o.Stream).add(one, slot)
	c.packs[bounded(c.packs, o.Pack)] = struct{}{}
	if c.latency[o.Outcome] == nil {
		c.latency[o.Outcome] = &histogram{}
	}
	c.latency[o.Outcome].add(o.LatencyUs)
	if one.errors > 0 {
		c.reasons[bounded(c.reasons, o.Error)]++
		return
	}
	c.model.add(o)
	if o.Truth != "" {
		c.truths++
		if o.Truth == o.Label {
			c.rights++
		}
	}
	if one.hits > 0 {
		c.audits.Row(o)
		c.fromFull.add(o.Label, full)
		c.fromTruth.add(o.Label, o.Truth)
	}
}

// slot finds the row's place on the time axis.
func (c *Collector) slot(o *schemas.Outcome) int64 {
	us := o.EventTime.UnixMicro()
	emitted := us + o.LatencyUs
	if !c.axis.started {
		c.first, c.last, c.emitted = us, us, [2]int64{emitted, emitted}
	}
	c.first, c.last = min(c.first, us), max(c.last, us)
	c.emitted = [2]int64{min(c.emitted[0], emitted), max(c.emitted[1], emitted)}
	slot, doubled := c.axis.put(us)
	for range doubled {
		c.whole.strip.double()
		for _, s := range c.streams {
			if s.strip != nil {
				s.strip.double()
			}
		}
	}
	return slot
}

// cellOf is the row as a cell of its own.
func (c *Collector) cellOf(o *schemas.Outcome, full string) (one cell) {
	switch o.Outcome {
	case schemas.Hit, schemas.Same:
		one.hits, one.net = 1, c.net(o.Model)
	case schemas.Miss:
		one.misses = 1
	default:
		one.errors = 1
		return one
	}
	switch o.CacheEvent {
	case schemas.CacheSwap, schemas.CacheLoad, schemas.CacheEvict:
		one.changes = 1
	case schemas.TrustStricter, schemas.TrustDrift, schemas.TrustBypass, schemas.TrustReturn:
		one.alarms = 1
	}
	reference := o.Truth
	if reference == "" {
		reference = full
	}
	if reference != "" {
		one.known = 1
		if reference != o.Label {
			one.wrong = 1
		}
	}
	return one
}

// net numbers the specialists as they are met.
func (c *Collector) net(name string) uint8 {
	if n, ok := c.numbers[name]; ok {
		return n
	}
	if len(c.nets) == maxNets {
		return maxNets
	}
	c.nets = append(c.nets, name)
	c.numbers[name] = uint8(len(c.nets))
	return uint8(len(c.nets))
}

// stream returns the counts of a stream.
func (c *Collector) stream(name string) *stream {
	if s := c.streams[name]; s != nil {
		return s
	}
	name = bounded(c.streams, name)
	s := c.streams[name]
	if s == nil {
		s = &stream{name: name}
		if c.strips < maxStrips {
			c.strips++
			s.strip = &series{}
		}
		c.streams[name] = s
	}
	return s
}

// bounded is a key of a map, or others where it is a new one and the map is full.
func bounded[V any](m map[string]V, key string) string {
	limit := maxReasons
	if _, isStreams := any(m).(map[string]*stream); isStreams {
		limit = maxStreams
	}
	if _, known := m[key]; !known && len(m) >= limit {
		return others
	}
	return key
}

func (s *stream) add(one cell, slot int64) {
	s.frames++
	s.hits += int64(one.hits)
	s.misses += int64(one.misses)
	s.errors += int64(one.errors)
	s.known += int64(one.known)
	s.right += int64(one.known - one.wrong)
	s.changes += int64(one.changes)
	if s.strip != nil {
		s.strip.at(slot).merge(one)
	}
}

func (m *modelTime) add(o *schemas.Outcome) {
	m.answered++
	for _, n := range []struct {
		us     float32
		sum    *float64
		frames *int64
	}{{o.SpecialistUs, &m.small, &m.smallFrames}, {o.SelectorUs, &m.selector, &m.selectorFrames}, {o.FullUs, &m.full, &m.fullFrames}} {
		if n.us > 0 {
			*n.sum += float64(n.us)
			*n.frames++
		}
	}
}

// perFrame is the time in nets per answered frame, µs.
func (m modelTime) perFrame() float64 {
	if m.answered == 0 {
		return 0
	}
	return (m.small + m.selector + m.full) / float64(m.answered)
}

// span is when the frames were recorded.
func (c *Collector) span() (from, to time.Time) {
	return time.UnixMicro(c.first).UTC(), time.UnixMicro(c.last).UTC()
}

// framesPerSecond is the mean rate of rows, from the first one emitted to the last.
func (c *Collector) framesPerSecond() float64 {
	if c.emitted[1] <= c.emitted[0] {
		return 0
	}
	return float64(c.whole.frames) / (float64(c.emitted[1]-c.emitted[0]) / 1e6)
}

// trouble is the share of a stream's frames that were no cheap right answer: errors, misses and wrong answers.
func (s *stream) trouble() float64 {
	if s.frames == 0 {
		return 0
	}
	return float64(s.errors+s.misses+s.known-s.right) / float64(s.frames)
}

// worst returns the streams, those with the most trouble first.
func (c *Collector) worst() []*stream {
	all := make([]*stream, 0, len(c.streams))
	for _, s := range c.streams {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *stream) int {
		switch ta, tb := a.trouble(), b.trouble(); {
		case ta > tb:
			return -1
		case ta < tb:
			return 1
		case a.name < b.name:
			return -1
		}
		return 1
	})
	return all
}
