package kafkaio

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
)

// stopPoll is how often a source looks for its stop file.
const stopPoll = 200 * time.Millisecond

const (
	awaitLongest = 100 * time.Millisecond // without a frame
	awaitLook    = 2 * time.Millisecond
)

// pace is how far apart bundles begin at least: what a bundle costs is then shared by what came meanwhile. The first frame
// after a silence does not wait. Where this process uses more than busy of its cores, bundles begin two apart: frames then wait
// longer for a core than for the bundle, and less where bundles cost less.
const (
	pace = 10 * time.Millisecond
	busy = 0.4
)

// source is what one job reads a topic with in this process: a connection and a fetcher for each partition.
// It outlives bundles and DoFn instances, so that reading ahead is not thrown away 100 times a second.
type source struct {
	cfg     *ReadConfig
	client  *client
	tails   *tails
	job     *session.Session
	closed  chan struct{}
	arrived chan struct{} // a fetcher queued something, or ended
	waits   atomic.Bool   // the session was full when frames were last taken
	emitted atomic.Int64  // when a bundle last got its first frames, in Unix nanoseconds
	load    load

	uplink *uplink // nil: the job has none

	mu       sync.Mutex
	away     interruption
	fetchers map[int32]*fetcher
	ended    map[int32]bool // partitions of which nothing more is read
}

// openSource returns the job's source, which is closed with the session.
func openSource(cfg *ReadConfig, job *session.Session) (*source, error) {
	return session.Part(job, "kafkaio.Read "+cfg.Topic, func() (*source, error) {
		client, err := cfg.Cluster.connect(cfg.Topic)
		if err != nil {
			return nil, err
		}
		sized := cfg.sized(job.Holds())
		s := &source{cfg: &sized, client: client, tails: newTails(client, cfg.Topic), job: job, load: load{used: processTime}, closed: make(chan struct{}), arrived: make(chan struct{}, 1), fetchers: map[int32]*fetcher{}, ended: map[int32]bool{}}
		if cfg.Answers {
			var ok bool
			if s.uplink, ok = session.Get[*uplink](job, uplinkPart); !ok {
				return nil, fmt.Errorf("kafka: read %s: the job has no uplink in this process", cfg.Topic)
			}
		}
		if cfg.StopFile != "" {
			go s.awaitStop()
		}
		return s, nil
	})
}

// fetcher returns the fetcher of span whose next frame is the first at or behind the offset from. It is
// the running one, except at the start and after a bundle that did not end well.
func (s *source) fetcher(span Span, from int64) (*fetcher, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed: // by the end of the job, which this bundle outlives
		return nil, fmt.Errorf("kafka: read %s: %w", s.cfg.Topic, session.ErrClosed)
	default:
	}
	old := s.fetchers[span.Partition]
	if old != nil {
		if taken, _, _ := old.queue.state(); taken == from {
			return old, nil
		}
		old.close()
	}
	f := startFetcher(s.cfg, span, from, s.client, s.tails, s.job, &s.away, s.arrived)
	if old != nil {
		f.last = old.last
	}
	s.fetchers[span.Partition] = f
	return f, nil
}

// done closes the fetcher of a partition that is read.
func (s *source) done(partition int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[partition] = true
	if f := s.fetchers[partition]; f != nil {
		f.close()
		delete(s.fetchers, partition)
	}
}

// ready counts the partitions that have frames waiting.
func (s *source) ready() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.fetchers {
		if f.queue.waiting() {
			n++
		}
	}
	return n
}

// await returns when some partition has frames waiting and the session has room for them, when there is something else
// to do, or after a while. A bundle in which nothing was emitted yet may wait so: no frame waits for its end, a runner
// need not begin one every few milliseconds to ask again, and what came meanwhile shares one bundle.
func (s *source) await() {
	end := time.NewTimer(awaitLongest)
	defer end.Stop()
	look := time.NewTicker(awaitLook) // room and draining are not signalled
	defer look.Stop()
	for !s.job.Draining() && (!s.room() || !s.pending()) && !s.answered() {
		select {
		case <-s.arrived:
		case <-s.answers():
		case <-look.C:
		case <-end.C:
			return
		}
	}
	s.gather()
}

// gather waits for more frames when the last bundle has only just begun.
func (s *source) gather() {
	s.keepApart(pace)
	if s.load.share() > busy {
		s.keepApart(2 * pace)
	}
}

// keepApart waits until the last bundle began so long ago.
func (s *source) keepApart(apart time.Duration) {
	due := time.Unix(0, s.emitted.Load()).Add(apart)
	for left := time.Until(due); left > 0 && left <= apart && !s.job.Draining(); left = time.Until(due) {
		time.Sleep(min(left, awaitLook))
	}
}

// room reports whether the session takes frames. When it was full, that means a good part of its credit.
func (s *source) room() bool {
	if s.waits.Load() && !s.job.Roomy() {
		return false
	}
	s.waits.Store(false)
	return !s.job.Full()
}

// pending reports whether a partition has frames waiting, or has come to its end or to a failure.
func (s *source) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fetchers {
		if f.queue.pending() || f.finished() {
			return true
		}
	}
	return false
}

// stay returns one partition's part of Config.Stay.
func (s *source) stay() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Stay / time.Duration(max(len(s.fetchers), 1))
}

// awaitStop drains the job when Config.StopFile appears.
func (s *source) awaitStop() {
	tick := time.NewTicker(stopPoll)
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-tick.C:
			if _, err := os.Stat(s.cfg.StopFile); err == nil {
				s.job.Drain()
				return
			}
		}
	}
}

// Close stops every fetcher and closes the connections.
func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, f := range s.fetchers {
		f.close()
		delete(s.fetchers, p)
	}
	s.tails.close()
	s.client.close()
	close(s.closed)
	return nil
}
