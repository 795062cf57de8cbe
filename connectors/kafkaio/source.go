package kafkaio

import (
	"os"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/session"
)

// stopPoll is how often a source looks for its stop file.
const stopPoll = 200 * time.Millisecond

// source is what one job reads a topic with in this process: a connection and a fetcher for each partition.
// It outlives bundles and DoFn instances, so that reading ahead is not thrown away 100 times a second.
type source struct {
	cfg    *ReadConfig
	client *client
	link   *session.Session
	closed chan struct{}

	mu       sync.Mutex
	fetchers map[int32]*fetcher
}

// openSource returns the job's source, which is closed with the session.
func openSource(cfg *ReadConfig, link *session.Session) (*source, error) {
	return session.Part(link, "kafkaio.Read "+cfg.Topic, func() (*source, error) {
		client, err := cfg.Cluster.connect(cfg.Topic)
		if err != nil {
			return nil, err
		}
		s := &source{cfg: cfg, client: client, link: link, closed: make(chan struct{}), fetchers: map[int32]*fetcher{}}
		if cfg.StopFile != "" {
			go s.awaitStop()
		}
		return s, nil
	})
}

// fetcher returns the fetcher of span whose next frame is the first at or behind the offset from. It is
// the running one, except at the start and after a bundle that did not end well.
func (s *source) fetcher(span Span, from int64) *fetcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.fetchers[span.Partition]
	if old != nil {
		if taken, _, _ := old.queue.state(); taken == from {
			return old
		}
		old.close()
	}
	f := startFetcher(s.cfg, span, from, s.client, s.link)
	if old != nil {
		f.last = old.last
	}
	s.fetchers[span.Partition] = f
	return f
}

// done closes the fetcher of a partition that is read.
func (s *source) done(partition int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
				s.link.Drain()
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
	s.client.close()
	close(s.closed)
	return nil
}
