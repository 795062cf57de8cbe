package parquetio

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
)

// writers holds the writer of each job, since DoFns are serialised and bundles are short, while a file takes
// the rows of many bundles.
var writers struct {
	sync.Mutex
	byJob map[string]*writer
}

// writerOf returns the job's writer, making it at the first call and again after one that failed: what was lost
// with that one is not durable, so the runner brings it again.
func writerOf(ctx context.Context, cfg WriteConfig) (*writer, error) {
	writers.Lock()
	defer writers.Unlock()
	if w := writers.byJob[cfg.Job]; w != nil && w.failure() == nil {
		return w, nil
	}
	if cfg.Job == "" || cfg.Dir == "" {
		return nil, fmt.Errorf("write outcomes: job %q, folder %q: both have to be given", cfg.Job, cfg.Dir)
	}
	cfg.Dir = filepath.Clean(cfg.Dir)
	w, err := newWriter(ctx, cfg.withDefaults())
	if err != nil {
		return nil, err
	}
	if writers.byJob == nil {
		writers.byJob = map[string]*writer{}
	}
	writers.byJob[cfg.Job] = w
	return w, nil
}

// Close writes what is left of the job and forgets its writer. It returns when every row that was taken is
// durable, or the reason why one is not. A job without a writer in this process is closed already.
func Close(job string) error {
	writers.Lock()
	w := writers.byJob[job]
	delete(writers.byJob, job)
	writers.Unlock()
	if w == nil {
		return nil
	}
	return w.close()
}
