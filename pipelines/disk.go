package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/retry"
)

// awaitDisk calls do, which writes to the data set before frames flow, until it succeeds or the disk has been full or
// read-only for Options.DiskWait: a run that is restarted on a full disk waits as long as one that is reading.
func awaitDisk[T any](ctx context.Context, o Options, do func() (T, error)) (T, error) {
	wait := cmp.Or(o.DiskWait, parquetio.DefaultGiveUp)
	result, err := retry.Get(ctx, retry.Outage{
		For:    wait,
		Passes: parquetio.Refused,
		Began: func(err error) {
			slog.Warn("the data set cannot be written: the run waits before it reads", "dir", o.Out, "error", err, "give_up_after", wait)
		},
		Ended: func(after time.Duration) {
			slog.Info("writing the data set works again", "dir", o.Out, "after", after)
		},
	}, do)
	if parquetio.Refused(err) && ctx.Err() == nil {
		err = fmt.Errorf("%w: failing for %v: free disk space or make the folder writable, and start again", err, wait)
	}
	return result, err
}
