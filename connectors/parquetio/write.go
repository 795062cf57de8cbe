package parquetio

import (
	"context"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn3x1[context.Context, schemas.Outcomes, func(string), error](&writeFn{})
	register.Emitter1[string]()
}

// What a zero in WriteConfig means.
const (
	DefaultFileBytes    = 64 << 20
	DefaultFileAge      = 5 * time.Second
	DefaultPendingBytes = 256 << 20
	DefaultGiveUp       = 2 * time.Minute
	DefaultLedgerAge    = time.Hour
)

// WriteConfig says where the outcomes of a job go. It travels to the workers.
type WriteConfig struct {
	Job         string // id of the job, see connectors/session; a process has one writer per job
	Dir         string // folder of the data set; it is created when it is missing
	Pack        string // name@version of the models, for the files' own metadata
	Version     string // of the program, for the same
	EveryBundle bool   // a bundle ends only when its rows are on disk: for runners that replay from checkpoints
	Shared      bool   // other processes may write rows of the same offsets at the same time; still, the first counts

	FileBytes    int64         // a file ends at about this size …
	FileAge      time.Duration // … or at this age, whichever comes first
	PendingBytes int64         // whole files that wait for the disk; beyond it the pipeline waits with them
	GiveUp       time.Duration // how long the disk may refuse before the job fails
	LedgerAge    time.Duration // how much of a long job the next start may have to read file by file
}

func (c WriteConfig) withDefaults() WriteConfig {
	setDefault(&c.FileBytes, DefaultFileBytes)
	setDefault(&c.FileAge, DefaultFileAge)
	setDefault(&c.PendingBytes, DefaultPendingBytes)
	setDefault(&c.GiveUp, DefaultGiveUp)
	setDefault(&c.LedgerAge, DefaultLedgerAge)
	return c
}

func setDefault[T int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Write puts a PCollection<schemas.Outcomes> into the data set at cfg.Dir: one row per (topic, partition, offset),
// of which the first counts. Rows are durable when the job's session reports them, at the latest when it is closed.
// The collection it returns stays empty; it is there for a runner that needs an output of every stage.
func Write(s beam.Scope, cfg WriteConfig, outcomes beam.PCollection) beam.PCollection {
	s = s.Scope("parquetio.Write")
	return beam.ParDo(s, &writeFn{Config: cfg}, outcomes)
}

type writeFn struct {
	Config WriteConfig

	w *writer
}

// StartBundle looks the writer up for each bundle, since the job's writer may have failed and been replaced.
func (fn *writeFn) StartBundle(ctx context.Context, _ func(string)) (err error) {
	if fn.w, err = writerOf(ctx, fn.Config); err != nil {
		return err
	}
	if t := fn.w.job.Traced(); t != nil {
		t.Begin(metrics.GetBundleID(ctx))
	}
	return nil
}

func (fn *writeFn) ProcessElement(ctx context.Context, outcomes schemas.Outcomes, _ func(string)) error {
	return fn.w.add(ctx, outcomes.Rows)
}

func (fn *writeFn) FinishBundle(ctx context.Context, _ func(string)) error {
	if t := fn.w.job.Traced(); t != nil {
		defer t.End(metrics.GetBundleID(ctx))
	}
	if !fn.Config.EveryBundle {
		return nil
	}
	return fn.w.flush(ctx)
}
