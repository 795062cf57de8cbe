package report

import (
	"iter"
	"math"
	"slices"

	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/schemas"
)

// Measures are the figures of one data set. Shares are 0 … 1; a figure without data is nil.
type Measures struct {
	Frames            int64            `json:"frames"` // rows
	Streams           int              `json:"streams"`
	Hits              int64            `json:"hits"`
	Misses            int64            `json:"misses"`
	Same              int64            `json:"same,omitempty"` // took the answer of the last answered frame of their stream
	Errors            int64            `json:"errors"`
	HitRate           *float64         `json:"hit_rate,omitempty"`            // hits and repeated answers among the answered frames
	FramesWithTruth   int64            `json:"frames_with_truth"`             // answered frames whose true class is known …
	Accuracy          *float64         `json:"accuracy,omitempty"`            // … and the share of them answered with it
	AgreementWithFull *float64         `json:"agreement_with_full,omitempty"` // answered as the full model answered the same frame
	FramesPerSecond   *float64         `json:"frames_per_second,omitempty"`   // from the first row emitted to the last
	Latency           *Latency         `json:"latency_ms,omitempty"`
	ModelLoads        int64            `json:"model_loads"`
	ModelEvictions    int64            `json:"model_evictions"`
	ModelUsPerFrame   *float64         `json:"model_us_per_frame,omitempty"` // mean inference time of the answered frames
	DistinctOffsets   int64            `json:"distinct_offsets"`             // distinct (topic, partition, offset)
	Duplicates        int64            `json:"duplicates"`                   // rows beyond the first of an offset
	Audits            *Audits          `json:"audits,omitempty"`             // nil where no hit could be audited
	ErrorReasons      map[string]int64 `json:"error_reasons,omitempty"`      // frames by reason

	nets [3]float64
}

// Latency is the time from a frame's record to its row, in ms: exact quantiles (nearest rank) over all rows.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// maxReasons bounds the reasons that are counted apart: a reason may quote its frame.
const (
	maxReasons  = 100
	otherReason = "other reasons"
)

// tally accumulates a summary. It keeps 12 bytes a row, and none of its strings.
type tally struct {
	Measures
	streams       map[string]*audit.Count
	own           *answers
	full          *answers // the full model's, nil when unknown
	right         int64
	shared, alike int64 // frames that the full model answered too, and those with the same answer
	modelUs       float64
	nets          [3]float64 // µs in the small net, the selector and the full model
	first, last   int64      // emission, µs
	latencies     []int64    // µs
}

// measure summarises rows and returns their answers too; full holds the answers to compare them with.
func measure(rows iter.Seq2[schemas.Outcome, error], full *answers) (Measures, *answers, error) {
	t := tally{streams: map[string]*audit.Count{}, own: newAnswers(), full: full, first: math.MaxInt64, last: math.MinInt64}
	t.ErrorReasons = map[string]int64{}
	for row, err := range rows {
		if err != nil {
			return Measures{}, nil, err
		}
		t.add(&row)
	}
	return t.measures(), t.own, nil
}

func (t *tally) add(o *schemas.Outcome) {
	t.Frames++
	audits := t.streams[o.Stream]
	if audits == nil {
		audits = new(audit.Count)
		t.streams[o.Stream] = audits
	}
	if t.own.put(o) {
		t.DistinctOffsets++
		audits.Row(o)
	} else {
		t.Duplicates++
	}
	emitted := o.EventTime.UnixMicro() + o.LatencyUs
	t.first, t.last = min(t.first, emitted), max(t.last, emitted)
	t.latencies = append(t.latencies, o.LatencyUs)
	switch o.CacheEvent {
	case schemas.CacheEvict:
		t.ModelEvictions++
		t.ModelLoads++
	case schemas.CacheLoad:
		t.ModelLoads++
	}
	switch o.Outcome {
	case schemas.Hit:
		t.Hits++
		t.addAnswer(o)
	case schemas.Miss:
		t.Misses++
		t.addAnswer(o)
	case schemas.Same:
		t.Same++
		t.addAnswer(o)
	default:
		t.Errors++
		t.addReason(o.Error)
	}
}

func (t *tally) addAnswer(o *schemas.Outcome) {
	for i, us := range [...]float32{o.SpecialistUs, o.SelectorUs, o.FullUs} {
		t.nets[i] += float64(us)
	}
	t.modelUs += float64(o.SpecialistUs) + float64(o.SelectorUs) + float64(o.FullUs)
	if o.Truth != "" {
		t.FramesWithTruth++
		if o.Label == o.Truth {
			t.right++
		}
	}
	if answer, ok := t.full.get(o); ok {
		t.shared++
		if o.Label == answer {
			t.alike++
		}
	}
}

func (t *tally) addReason(reason string) {
	if _, known := t.ErrorReasons[reason]; !known && len(t.ErrorReasons) >= maxReasons {
		reason = otherReason
	}
	t.ErrorReasons[reason]++
}

func (t *tally) measures() Measures {
	m := t.Measures
	m.nets = t.nets
	m.Streams = len(t.streams)
	m.Audits = t.audits()
	answered := float64(m.Hits + m.Misses + m.Same)
	m.HitRate = share(float64(m.Hits+m.Same), answered)
	m.Accuracy = share(float64(t.right), float64(m.FramesWithTruth))
	m.AgreementWithFull = share(float64(t.alike), float64(t.shared))
	m.ModelUsPerFrame = share(t.modelUs, answered)
	if t.last > t.first {
		m.FramesPerSecond = new(float64(m.Frames) / (float64(t.last-t.first) / 1e6))
	}
	if len(t.latencies) > 0 {
		slices.Sort(t.latencies)
		m.Latency = &Latency{P50: t.quantile(50), P95: t.quantile(95), P99: t.quantile(99)}
	}
	return m
}

// share is part of whole, nil when there is no whole.
func share(part, whole float64) *float64 {
	if whole == 0 {
		return nil
	}
	return new(part / whole)
}

// quantile returns the smallest latency, in ms, that at least percent of the rows do not exceed.
func (t *tally) quantile(percent int) float64 {
	rank := (len(t.latencies)*percent + 99) / 100
	return float64(t.latencies[rank-1]) / 1e3
}
