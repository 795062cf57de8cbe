package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
)

func packBuildCommand() *cobra.Command {
	var data, out string
	var how models.InputSize
	var keep bool
	o := evaluation.Options{Budget: evaluation.DefaultBudget()}
	c := &cobra.Command{
		Use:   "build NETS",
		Short: "Choose nets and settings on held-out frames and write a pack with its model card",
		Long: `Scores the trained nets on held-out frames with the serving runtime, tunes the caching policy
and its rivals under one accuracy budget on simulated streams, takes the fastest, and writes it as a pack.

The held-out sequences are split into three parts: one to choose the policy, one to confirm that its thresholds keep the
budget on every kind of stream, and one that is used only for the figures of the model card. If no threshold keeps it, the
pack uses the full model for every frame, and its card says so.

NETS is the folder that training wrote, or a pack, whose nets are then tuned again on your frames. With --keep-policy the pack
keeps its policy, and gets only settings for runs with audits, which packs of earlier versions lack: under the budget of its
model card, best on the frames it was built on.
If the frames were labelled by the full model itself (cachenet_train label), the budget is for agreement with it, frame by
frame, and the model card says so.

The --data folder has <class>/<sequence>_<frame>.<ext> files, or such a tree below val (otherwise the images of train that
training held out are used).`,
		Example: "  cachenet pack build nets/birds --data data/birds --out packs/birds --name birds --version 1.0.0",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "data", "out"); err != nil {
				return err
			}
			if !(o.Budget.Loss > 0 && o.Budget.Loss < 1) {
				return usageError{fmt.Errorf("--max-accuracy-loss %v: must be between 0 and 1", o.Budget.Loss)}
			}
			if !(o.Budget.Locked > 0 && o.Budget.Locked <= 1) {
				return usageError{fmt.Errorf("--max-locked %v: must be above 0 and at most 1", o.Budget.Locked)}
			}
			if !(o.Budget.Alpha > 0 && o.Budget.Alpha <= 0.5) {
				return usageError{fmt.Errorf("--alpha %v: must be above 0 and at most 0.5", o.Budget.Alpha)}
			}
			o.Budget.Margin = min(o.Budget.Margin, o.Budget.Loss/3)
			if keep {
				return keepPolicy(c, args[0], data, out, o)
			}
			return build(c, args[0], data, out, how, o)
		},
	}
	f := c.Flags()
	f.StringVar(&data, "data", "", "folder of labelled images")
	f.StringVar(&out, "out", "", "folder of the pack")
	f.BoolVar(&keep, "keep-policy", false, "NETS is a pack: set only its settings of runs with audits; of the other flags only --data, --out and --version count")
	f.StringVar(&o.Name, "name", "", "name of the pack (default that of the training)")
	f.StringVar(&o.Version, "version", "1.0.0", "version of the pack")
	f.Float64Var(&o.Budget.Loss, "max-accuracy-loss", o.Budget.Loss, "accuracy (or agreement, if the full model labelled the frames) that caching may cost on every kind of stream, 0 to 1")
	f.Float64Var(&o.Budget.Locked, "max-locked", o.Budget.Locked, "share of recordings that may be answered with one wrong class throughout, 0 to 1")
	f.Float64Var(&o.Budget.Alpha, "alpha", o.Budget.Alpha, "accepted chance that the pack breaks its budget on some kind of stream, 0 to 0.5")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the streams")
	f.StringVar(&how.Resize, "resize", "", "how frames are resized to the nets' input: stretch, crop or fit (default that of NETS)")
	f.StringVar(&how.Filter, "filter", "", "how pixels are weighted where frames are shrunk: bilinear or area (default that of NETS)")
	return c
}

func build(c *cobra.Command, dir, data, out string, how models.InputSize, o evaluation.Options) error {
	nets, err := evaluation.ReadNets(dir)
	if err != nil {
		return err
	}
	if o.Name == "" {
		o.Name = nets.Name
	}
	if how.Resize != "" {
		nets.Input.Resize = how.Resize
	}
	if how.Filter != "" {
		nets.Input.Filter = how.Filter
	}
	if err := nets.Input.View().Validate(); err != nil {
		return usageError{err}
	}
	table, err := scored(c, data, nets)
	if err != nil {
		return err
	}
	if o.Agreement, err = labelledBy(data, nets.All[0].SHA256); err != nil {
		return err
	}
	return writeBuilt(c, out, o, func(o evaluation.Options) (*evaluation.Built, error) {
		return evaluation.Build(c.Context(), table, nets, o)
	})
}

// scored has the answers of the nets about the held-out frames of data.
func scored(c *cobra.Command, data string, nets *evaluation.Nets) (*evaluation.Table, error) {
	sequences, err := heldOut(data, nets)
	if err != nil {
		return nil, err
	}
	return score(c.Context(), c.ErrOrStderr(), nets, sequences)
}

// writeBuilt builds a pack, shows how far it is, and writes the pack to a folder.
func writeBuilt(c *cobra.Command, out string, o evaluation.Options, build func(evaluation.Options) (*evaluation.Built, error)) error {
	shown := newPlayed(c.ErrOrStderr())
	o.Progress, o.Played = shown.step, &shown.frames
	built, err := build(o)
	shown.stop()
	if err != nil {
		return err
	}
	if err := built.Write(out); err != nil {
		return err
	}
	if err := built.Card.Text(c.OutOrStdout()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "\nwrote %s to %s; its model card is %s\n", built.Card.Pack, out, filepath.Join(out, evaluation.CardMarkdown))
	return err
}

// keepPolicy writes the pack in dir with settings for runs with audits.
func keepPolicy(c *cobra.Command, dir, data, out string, o evaluation.Options) error {
	pack, err := models.OpenPack(dir)
	if err != nil {
		return err
	}
	if o.Version == pack.Version {
		return usageError{fmt.Errorf("--version %q: name a version other than %s", o.Version, pack.ID())}
	}
	nets, err := evaluation.NetsFor(pack, nil, nil)
	if err != nil {
		return err
	}
	table, err := scored(c, data, nets)
	if err != nil {
		return err
	}
	return writeBuilt(c, out, o, func(o evaluation.Options) (*evaluation.Built, error) {
		return evaluation.Audit(c.Context(), pack, table, o)
	})
}
