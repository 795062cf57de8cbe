package monitor

import (
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// The tiers whose time is measured.
const (
	tierSmall = iota
	tierSelector
	tierFull
	tiers
)

// metrics are the figures of one run. Labels have few values, known beforehand, so each series is looked up once and
// counting a row takes additions only. What the job counts itself is asked for when somebody scrapes.
type metrics struct {
	registry    *prometheus.Registry
	frames      map[string]prometheus.Counter  // by outcome
	events      map[string]prometheus.Counter  // by cache event
	deadLetters map[string]prometheus.Counter  // by stage; nil: there is no dead-letter topic
	latency     map[string]prometheus.Observer // by outcome
	inference   [tiers]prometheus.Observer
	audits      [2]prometheus.Counter // same, different

	job   func() *session.Session
	topic string

	mu     sync.Mutex
	stages map[session.Stage]session.StageTime // of the jobs before this one
}

// Buckets: a net takes 10 µs to 1 s, a frame 1 ms to minutes.
var (
	inferenceBuckets = prometheus.ExponentialBuckets(10e-6, 2.5, 13)
	latencyBuckets   = prometheus.ExponentialBuckets(1e-3, 2.5, 13)
)

func newMetrics(run Run, job func() *session.Session) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), job: job, topic: run.Topic, stages: map[session.Stage]session.StageTime{}}
	m.frames = m.counters("cachenet_frames_total", "Frames that have a row.", "outcome", schemas.Hit, schemas.Miss, schemas.Same, schemas.Error)
	m.events = m.counters("cachenet_stream_cache_events_total", "Changes of the specialists that streams hold, and of who answers them after audits.", "event",
		schemas.CacheSwap, schemas.CacheLoad, schemas.CacheEvict, schemas.CacheStall, schemas.TrustStricter, schemas.TrustDrift, schemas.TrustBypass, schemas.TrustReturn, schemas.TrustChanged)
	audits := m.counters("cachenet_audited_hits_total", "Hits and repeated answers that the full model was asked about too.", "answer", "same", "different")
	m.audits = [2]prometheus.Counter{audits["same"], audits["different"]}
	letters := m.counters("cachenet_dead_letters_total", "Frames that went to the dead-letter topic.", "reason",
		schemas.StageRead, schemas.StageDecode, schemas.StageLookup, schemas.StageFull)
	if run.DeadLetters {
		m.deadLetters = letters
	}
	m.latency = m.histograms("cachenet_frame_latency_seconds", "Time from a frame's record to its row.", "outcome", latencyBuckets, schemas.Hit, schemas.Miss, schemas.Same, schemas.Error)
	tier := m.histograms("cachenet_inference_duration_seconds", "Time in a net for one frame; a batch's time divided by its frames.", "tier",
		inferenceBuckets, "small", "selector", "full")
	m.inference = [tiers]prometheus.Observer{tier["small"], tier["selector"], tier["full"]}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cachenet_build_info", Help: "1, for the program that runs."}, []string{"version", "goversion"})
	build.WithLabelValues(run.Version, runtime.Version()).Set(1)
	m.registry.MustRegister(build, (*scraped)(m), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// counters makes a counter for each value of a label.
func (m *metrics) counters(name, help, label string, values ...string) map[string]prometheus.Counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	m.registry.MustRegister(vec)
	all := map[string]prometheus.Counter{}
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

// histograms makes a histogram for each value of a label.
func (m *metrics) histograms(name, help, label string, buckets []float64, values ...string) map[string]prometheus.Observer {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{label})
	m.registry.MustRegister(vec)
	all := map[string]prometheus.Observer{}
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

// observe counts rows.
func (m *metrics) observe(rows []schemas.Outcome) {
	for i := range rows {
		o := &rows[i]
		outcome := o.Outcome
		if outcome != schemas.Hit && outcome != schemas.Miss && outcome != schemas.Same {
			outcome = schemas.Error
			if c := m.deadLetters[o.Stage]; c != nil {
				c.Inc()
			}
		}
		m.frames[outcome].Inc()
		m.latency[outcome].Observe(float64(o.LatencyUs) / 1e6)
		if c := m.events[o.CacheEvent]; c != nil {
			c.Inc()
		}
		for tier, us := range [tiers]float32{o.SpecialistUs, o.SelectorUs, o.FullUs} {
			if us > 0 {
				m.inference[tier].Observe(float64(us) / 1e6)
			}
		}
		if o.Audited && o.AuditLabel != "" {
			different := 0
			if o.AuditLabel != o.Label {
				different = 1
			}
			m.audits[different].Inc()
		}
	}
}

// stagesUs is what the stages of all jobs took so far, in µs by name.
func (m *metrics) stagesUs() map[string]int64 {
	job := m.job()
	if job == nil {
		return nil
	}
	all := map[string]int64{}
	for stage, spent := range (*scraped)(m).stageTimes(job) {
		all[stage.String()] = spent.Microseconds()
	}
	return all
}

// retire keeps what a job counted, when the next one takes its place.
func (m *metrics) retire(job *session.Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range job.StageTimes() {
		sum := m.stages[t.Stage]
		m.stages[t.Stage] = session.StageTime{Stage: t.Stage, Spent: sum.Spent + t.Spent, Frames: sum.Frames + t.Frames}
	}
}

// scraped asks the job when somebody scrapes.
type scraped metrics

var (
	lagDesc      = prometheus.NewDesc("cachenet_lag_frames", "Offsets of the topic without a row yet, as of the last fetch of each partition.", nil, nil)
	inFlightDesc = prometheus.NewDesc("cachenet_frames_in_flight", "Frames between source and sink.", nil, nil)
	missesDesc   = prometheus.NewDesc("cachenet_misses_in_flight", "Frames that wait for the full model's transform.", nil, nil)
	stageDesc    = prometheus.NewDesc("cachenet_stage_seconds_total", "Time in a stage outside the nets, summed over goroutines.", []string{"stage"}, nil)
	loadsDesc    = prometheus.NewDesc("cachenet_model_loads_total", "Nets loaded into memory.", []string{"result"}, nil)
	evictsDesc   = prometheus.NewDesc("cachenet_model_evictions_total", "Nets closed again.", []string{"reason"}, nil)
	bytesDesc    = prometheus.NewDesc("cachenet_model_cache_bytes", "Memory of the loaded nets.", nil, nil)
	heldDesc     = prometheus.NewDesc("cachenet_model_cache_held_bytes", "Counted against the cache's limit: loaded nets, and nets on disk or arriving.", nil, nil)
	stallsDesc   = prometheus.NewDesc("cachenet_model_stalls_total", "Frames that missed because a net was not on this machine.", nil, nil)
	fetchesDesc  = prometheus.NewDesc("cachenet_pack_fetches_total", "Downloads of nets that were whole (ok), cut, or damaged.", []string{"result"}, nil)
	fetchedDesc  = prometheus.NewDesc("cachenet_pack_fetched_bytes_total", "Bytes of nets that were downloaded.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *scraped) Describe(to chan<- *prometheus.Desc) {
	for _, d := range append([]*prometheus.Desc{lagDesc, inFlightDesc, missesDesc, stageDesc, loadsDesc, evictsDesc, bytesDesc, heldDesc, stallsDesc, fetchesDesc, fetchedDesc}, uplinkDescs...) {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *scraped) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	counter := func(d *prometheus.Desc, v float64, label string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, label)
	}
	job := s.job()
	if job == nil {
		return
	}
	if lag, ok := kafkaio.Lag(job, s.topic); ok {
		gauge(lagDesc, lag)
	}
	read, written := job.Counts()
	gauge(inFlightDesc, max(read-written, 0))
	gauge(missesDesc, max(job.MissesInFlight(), 0))
	for stage, spent := range s.stageTimes(job) {
		counter(stageDesc, spent.Seconds(), stage.String())
	}
	if c, ok := transforms.SessionCounts(job); ok {
		counter(loadsDesc, float64(c.Loads), "ok")
		counter(loadsDesc, float64(c.Failures), "error")
		counter(evictsDesc, float64(c.Evictions), "budget")
		gauge(bytesDesc, c.Bytes)
		gauge(heldDesc, c.Held)
		to <- prometheus.MustNewConstMetric(stallsDesc, prometheus.CounterValue, float64(c.Stalls))
	}
	if c, ok := packs.CountsOf(job); ok {
		counter(fetchesDesc, float64(c.Fetched), "ok")
		counter(fetchesDesc, float64(c.Cuts), "cut")
		counter(fetchesDesc, float64(c.Damaged), "damaged")
		to <- prometheus.MustNewConstMetric(fetchedDesc, prometheus.CounterValue, float64(c.Bytes))
	}
	if c, ok := kafkaio.Uplink(job); ok {
		collectUplink(to, c)
	}
}

// stageTimes sums over the jobs of the run.
func (s *scraped) stageTimes(job *session.Session) map[session.Stage]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[session.Stage]time.Duration{}
	for _, t := range job.StageTimes() {
		all[t.Stage] = s.stages[t.Stage].Spent + t.Spent
	}
	return all
}
