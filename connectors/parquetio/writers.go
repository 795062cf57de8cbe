package parquetio

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/cachenet/cachenet/connectors/session"
)

// output holds the writer of a job. The job's session keeps it, since DoFns are serialised and bundles are short, while
// a file takes the rows of many bundles.
type output struct {
	mu     sync.Mutex
	w      *writer
	closed bool
}

// writerOf returns the job's writer, making it at the first call. Where the runner replays bundles (EveryBundle) it
// replaces a writer that failed: what was lost with that one was never called durable, so the runner brings it again.
// Elsewhere a failed writer stays, since its rows are not delivered again and the job has to fail. It refuses a job that has
// ended.
func writerOf(ctx context.Context, cfg WriteConfig) (*writer, error) {
	if cfg.Job == "" || cfg.Dir == "" {
		return nil, fmt.Errorf("write outcomes: job %q, folder %q: both are required", cfg.Job, cfg.Dir)
	}
	job, err := session.Find(cfg.Job)
	if err != nil {
		return nil, fmt.Errorf("write outcomes: %w", err)
	}
	o, err := session.Part(job, "parquetio.Write", func() (*output, error) { return &output{}, nil })
	if err != nil {
		return nil, fmt.Errorf("write outcomes: %w", err)
	}
	cfg.Dir = filepath.Clean(cfg.Dir)
	return o.writer(ctx, cfg.withDefaults(), job)
}

func (o *output) writer(ctx context.Context, cfg WriteConfig, job *session.Session) (*writer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, errClosed
	}
	if o.w != nil {
		failed := o.w.failure()
		if failed == nil {
			return o.w, nil
		}
		if !cfg.EveryBundle {
			return nil, failed
		}
	}
	w, err := newWriter(ctx, cfg, job)
	if err != nil {
		return nil, err
	}
	o.w = w
	return w, nil
}

// Close writes what is left of the job, when its session is closed. It returns when every row that was taken is
// durable, or the reason why one is not.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.w == nil {
		return nil
	}
	return o.w.close()
}
