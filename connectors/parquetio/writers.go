package parquetio

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/cachenet/cachenet/connectors/flow"
)

// seat holds the writer of a job; the job's link keeps it, since DoFns are serialised and bundles are short, while
// a file takes the rows of many bundles.
type seat struct {
	mu sync.Mutex
	w  *writer
}

func seatOf(job string) (*seat, error) {
	kept, err := flow.For(job).Keep("parquetio.Write", func() (io.Closer, error) { return &seat{}, nil })
	if err != nil {
		return nil, err
	}
	return kept.(*seat), nil
}

// writerOf returns the job's writer, making it at the first call and again after one that failed: what was lost
// with that one was never called durable, so the runner brings it again.
func writerOf(ctx context.Context, cfg WriteConfig) (*writer, error) {
	if cfg.Job == "" || cfg.Dir == "" {
		return nil, fmt.Errorf("write outcomes: job %q, folder %q: both have to be given", cfg.Job, cfg.Dir)
	}
	s, err := seatOf(cfg.Job)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w != nil && s.w.failure() == nil {
		return s.w, nil
	}
	cfg.Dir = filepath.Clean(cfg.Dir)
	w, err := newWriter(ctx, cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	s.w = w
	return w, nil
}

// Close writes what is left of the job. It returns when every row that was taken is durable, or the reason why one
// is not; a job that wrote nothing in this process is closed already. It has to come before flow.Close for those
// who listen to the link to hear of the last rows.
func Close(job string) error {
	s, err := seatOf(job)
	if err != nil {
		return err
	}
	return s.Close()
}

// Close implements io.Closer for the link.
func (s *seat) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return nil
	}
	w := s.w
	s.w = nil
	return w.close()
}
