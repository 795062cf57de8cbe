package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
)

// recalibration is what pack recalibrate does.
type recalibration struct {
	from, out, version, format string
	budget                     evaluation.Budget
}

func packRecalibrateCommand() *cobra.Command {
	r := recalibration{budget: evaluation.DefaultBudget()}
	c := &cobra.Command{
		Use:   "recalibrate PACK",
		Short: "Refit temperature and threshold on a run's audited hits and misses, as a new version of the pack",
		Long: `Reads the rows of the data set --from that PACK wrote with its own policy: audited hits, each of which stands for
1/audit_rate hits, and misses, of which the rows hold the small net's answer too. Refits one factor of the small nets'
temperatures and the threshold, so that at most --max-accuracy-loss of the frames are answered otherwise than by the full
model, and writes PACK with these under another version. No frame is read and no net runs.

It is refused where the rows are too few to show that the budget is kept.`,
		Example: "  cachenet pack recalibrate models/packs/scenes --from out --out packs/scenes",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "from", "out"); err != nil {
				return err
			}
			if err := r.check(); err != nil {
				return err
			}
			return r.start(c.Context(), c.OutOrStdout(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&r.from, "from", "", "folder of the data set of a run with the pack and with audits")
	f.StringVar(&r.out, "out", "", "folder of the new pack; that of PACK replaces it")
	f.StringVar(&r.version, "version", "", "version of the new pack (default the next one: 1.2.0 is followed by 1.2.1)")
	f.Float64Var(&r.budget.Loss, "max-accuracy-loss", r.budget.Loss, "share of the frames that may be answered otherwise than by the full model, 0 to 1")
	f.Float64Var(&r.budget.Alpha, "alpha", r.budget.Alpha, "accepted chance that the budget is not kept on frames such as these, 0 to 0.5")
	f.StringVar(&r.format, "output", "text", "text or json")
	return c
}

func (r *recalibration) check() error {
	switch {
	case !(r.budget.Loss > 0 && r.budget.Loss < 1):
		return usageError{fmt.Errorf("--max-accuracy-loss %v: must be between 0 and 1", r.budget.Loss)}
	case !(r.budget.Alpha > 0 && r.budget.Alpha <= 0.5):
		return usageError{fmt.Errorf("--alpha %v: must be above 0 and at most 0.5", r.budget.Alpha)}
	}
	return checkOutput(r.format)
}

func (r *recalibration) start(ctx context.Context, w io.Writer, dir string) error {
	pack, err := models.OpenPack(dir)
	if err != nil {
		return err
	}
	if r.version == "" {
		r.version = evaluation.NextVersion(pack.Version)
	}
	if r.version == "" || r.version == pack.Version {
		return usageError{fmt.Errorf("--version %q: name a version other than %s", r.version, pack.ID())}
	}
	if _, err := os.Stat(filepath.Join(r.from, "outcomes")); err != nil {
		return fmt.Errorf("%s: no outcomes found: name the folder that a run wrote to", r.from)
	}
	found, err := evaluation.Recalibrate(pack, parquetio.Rows(ctx, r.from), r.budget)
	if err != nil {
		return fmt.Errorf("recalibrate on %s: %w", r.from, err)
	}
	if found.Changed() {
		built, err := found.Build(pack, r.version)
		if err != nil {
			return err
		}
		if err := built.Write(r.out); err != nil {
			return err
		}
	}
	if r.format == outputJSON {
		return writeJSON(w, found)
	}
	return r.tell(w, found, pack)
}

func (r *recalibration) tell(w io.Writer, found *evaluation.Recalibrated, pack *models.Pack) error {
	for _, line := range append(found.Summary(), found.Changes()...) {
		fmt.Fprintln(w, line)
	}
	last := fmt.Sprintf("wrote %s@%s to %s", pack.Name, r.version, r.out)
	if !found.Changed() {
		last = "nothing has to change: no pack is written"
	}
	_, err := fmt.Fprintln(w, last)
	return err
}
