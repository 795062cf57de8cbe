package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
)

// tune finds a policy for the frames of a topic.
type tune struct {
	source      frameSource
	topic, pack string
	out, format string
	frames      int64
	budget      evaluation.Budget
}

func tuneCommand() *cobra.Command {
	t := tune{budget: evaluation.DefaultBudget()}
	c := &cobra.Command{
		Use: "tune", Short: "Search the policy's settings on the frames of a topic, and write a policy file", Args: noArgs,
		Long: `Runs every net of the pack on the last --frames frames of the topic, searches the threshold and the prior on the first
half of each stream, and makes the threshold stricter on the other half until a bound shows that the budget is kept. What
is found is written to --out, for cachenet run --policy-file and cachenet replay --policy-file; where nothing better is
found, the file holds the pack's own policy.

Where every frame has a label header that the pack knows, answers are held against it; else against the full model's.`,
		Example: "  cachenet tune --data out/demo/broker --pack models/packs/scenes --out policy.json\n  cachenet tune --brokers localhost:9092 --topic frames --pack models/packs/scenes --max-accuracy-loss 0.01 --out policy.json",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "topic", "pack", "out"); err != nil {
				return err
			}
			if err := t.check(); err != nil {
				return err
			}
			closing, err := t.source.open(c, "")
			if err != nil {
				return err
			}
			return errors.Join(t.start(c), closing())
		},
	}
	f := c.Flags()
	t.source.add(f, "")
	f.StringVar(&t.topic, "topic", keptTopic, "topic with the frames")
	f.StringVar(&t.pack, "pack", "", "folder of the pack")
	f.StringVar(&t.out, "out", "", "policy file to write")
	f.Int64Var(&t.frames, "frames", 20000, "frames to search on, the last of the topic, the same number of each partition")
	f.Float64Var(&t.budget.Loss, "max-accuracy-loss", t.budget.Loss, "accuracy (or agreement with the full model) that caching may cost on these frames, 0 to 1")
	f.Float64Var(&t.budget.Alpha, "alpha", t.budget.Alpha, "accepted chance that the budget is not kept on frames such as these, 0 to 0.5")
	f.StringVar(&t.format, "output", "text", "text or json")
	return c
}

func (t *tune) check() error {
	switch {
	case !(t.budget.Loss > 0 && t.budget.Loss < 1):
		return usageError{fmt.Errorf("--max-accuracy-loss %v: must be between 0 and 1", t.budget.Loss)}
	case !(t.budget.Alpha > 0 && t.budget.Alpha <= 0.5):
		return usageError{fmt.Errorf("--alpha %v: must be above 0 and at most 0.5", t.budget.Alpha)}
	case t.frames < 2:
		return usageError{fmt.Errorf("--frames %d: must be at least 2", t.frames)}
	}
	if err := checkOutput(t.format); err != nil {
		return err
	}
	t.budget.Margin = min(t.budget.Margin, t.budget.Loss/3)
	return nil
}

func (t *tune) start(c *cobra.Command) error {
	pack, err := models.OpenPack(t.pack)
	if err != nil {
		return err
	}
	recording, err := t.record(c.Context(), c.ErrOrStderr(), pack)
	if err != nil {
		return fmt.Errorf("tune on topic %s: %w", t.topic, err)
	}
	found, err := evaluation.Retune(c.Context(), pack, recording, t.budget, func(step string) { fmt.Fprintln(c.ErrOrStderr(), step) })
	if err != nil {
		return fmt.Errorf("tune on topic %s: %w", t.topic, err)
	}
	f, err := models.NewPolicyFile(pack, found.Policy, found)
	if err != nil {
		return err
	}
	if err := f.Write(t.out); err != nil {
		return err
	}
	if t.format == outputJSON {
		return writeJSON(c.OutOrStdout(), found)
	}
	return t.tell(c.OutOrStdout(), found)
}

// record runs the pack's nets on the topic's last frames.
func (t *tune) record(ctx context.Context, progress io.Writer, pack *models.Pack) (*evaluation.Recording, error) {
	var done atomic.Int64
	bar := newProgress(progress, "scored")
	bar.start(done.Load)
	defer bar.stop()
	return evaluation.Record(ctx, pack, kafkaio.Recent(ctx, t.source.Cluster, t.topic, t.frames), &done)
}

func (t *tune) tell(w io.Writer, found evaluation.Retuned) error {
	fmt.Fprintf(w, "%s; the figures are of the second half of each stream, which chose nothing\n\n", found.Recording)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tthe pack's own\tfound\t")
	row := func(name string, show func(p evaluation.Played) string) {
		fmt.Fprintf(table, "%s\t%s\t%s\t\n", name, show(found.Now), show(found.Then))
	}
	row("hit rate", func(p evaluation.Played) string { return fmt.Sprintf("%.1f %%", 100*p.HitRate) })
	row("loss, points", func(p evaluation.Played) string { return fmt.Sprintf("%.2f (at most %.2f)", 100*p.Loss, 100*p.Upper) })
	row("agreement with the full model", func(p evaluation.Played) string { return fmt.Sprintf("%.1f %%", 100*p.Agreement) })
	row("model time per frame, µs", func(p evaluation.Played) string { return fmt.Sprintf("%.0f", p.Us) })
	row("speed-up in nets", func(p evaluation.Played) string { return fmt.Sprintf("%.2f x", p.Speedup) })
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	said := "keeps the budget and is faster"
	switch {
	case !found.Changed && found.Now.Holds:
		said = "nothing faster keeps the budget: the file holds the pack's own policy, which does"
	case !found.Changed:
		said = "nothing is shown to keep the budget on these frames: the file holds the pack's own policy; try more --frames or a larger --max-accuracy-loss"
	case !found.Now.Holds:
		said = "keeps the budget, which the pack's own policy is not shown to do here"
	}
	_, err := fmt.Fprintf(w, "\nbudget %.2f points: %s\n%s: threshold %.4g, alpha %.3g, decay %.3g; use it with cachenet run --policy-file %s\n",
		100*found.Budget, said, t.out, found.Policy.Threshold, found.Policy.Alpha, found.Policy.Decay, t.out)
	return err
}
