package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models/evaluation"
)

func packBuildCommand() *cobra.Command {
	var data, out string
	o := evaluation.Options{Budget: evaluation.DefaultBudget()}
	c := &cobra.Command{
		Use:   "build NETS",
		Short: "Choose nets and settings on held-out frames and write a pack with its model card",
		Long: `Scores the nets that training wrote on held-out frames with the runtime that will serve, tunes the caching policy
and its rivals under one accuracy budget on seeded streams, takes the fastest, and writes it as a pack.

DIR holds <class>/<sequence>_<frame>.<ext> folders, or such a tree below val (else the images of train that
training held out).`,
		Example: "  cachenet pack build nets/birds --data data/birds --out packs/birds --name birds --version 1.0.0",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "data", "out"); err != nil {
				return err
			}
			if !(o.Budget.Loss > 0 && o.Budget.Loss < 1) {
				return usageError{fmt.Errorf("--max-accuracy-loss %v: must lie between 0 and 1", o.Budget.Loss)}
			}
			o.Budget.Margin = min(o.Budget.Margin, o.Budget.Loss/3)
			return build(c, args[0], data, out, o)
		},
	}
	f := c.Flags()
	f.StringVar(&data, "data", "", "folder of labelled images")
	f.StringVar(&out, "out", "", "folder of the pack")
	f.StringVar(&o.Name, "name", "", "name of the pack (default that of the training)")
	f.StringVar(&o.Version, "version", "1.0.0", "version of the pack")
	f.Float64Var(&o.Budget.Loss, "max-accuracy-loss", o.Budget.Loss, "accuracy that caching may cost, 0 to 1")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the streams")
	return c
}

func build(c *cobra.Command, dir, data, out string, o evaluation.Options) error {
	nets, err := evaluation.ReadNets(dir)
	if err != nil {
		return err
	}
	if o.Name == "" {
		o.Name = nets.Name
	}
	sequences, err := heldOut(data, nets)
	if err != nil {
		return err
	}
	table, err := score(c.Context(), c.ErrOrStderr(), nets, sequences)
	if err != nil {
		return err
	}
	o.Progress = func(step string) { fmt.Fprintln(c.ErrOrStderr(), step) }
	built, err := evaluation.Build(c.Context(), table, nets, o)
	if err != nil {
		return err
	}
	if err := built.Write(out); err != nil {
		return err
	}
	for _, why := range built.Card.Why {
		fmt.Fprintln(c.OutOrStdout(), why)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s is in %s; its card is %s\n", built.Card.Pack, out, filepath.Join(out, evaluation.CardMarkdown))
	return err
}
