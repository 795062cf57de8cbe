package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
)

// contest is what pack evaluate compares on.
type contest struct {
	data, nets   string
	seeds        int
	seed         uint64
	output, plot string
}

func packEvaluateCommand() *cobra.Command {
	var e contest
	c := &cobra.Command{
		Use:   "evaluate PACK",
		Short: "Compare a pack's policy with its rivals on seeded streams of labelled frames",
		Long: `Simulates many kinds of stream from labelled frames: few or many classes at a time, frequent or rare switches, sequences in
order. The pack and its rivals see the same frames; time is measured per net on this machine.

The --data folder has <class>/<sequence>_<frame>.<ext> files, or such a tree below test. Rivals that need nets which the pack does
not contain take them from --nets, the folder that training wrote.`,
		Example: "  cachenet pack evaluate models/packs/scenes --data data/scenes --nets nets/scenes --plot scenes.svg",
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			if err := required(c, "data"); err != nil {
				return err
			}
			if e.output != "text" && e.output != "json" && e.output != "markdown" {
				return usageError{fmt.Errorf("--output %q: must be text, json or markdown", e.output)}
			}
			if e.seeds < 1 {
				return usageError{fmt.Errorf("--seeds %d: at least 1 is needed", e.seeds)}
			}
			report, err := e.run(c.Context(), c.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			return e.show(c.OutOrStdout(), report)
		},
	}
	f := c.Flags()
	f.StringVar(&e.data, "data", "", "folder of labelled images")
	f.StringVar(&e.nets, "nets", "", "folder that training wrote, for rivals whose nets are not in the pack")
	f.IntVar(&e.seeds, "seeds", 5, "number of seeds; the spread is over them")
	f.Uint64Var(&e.seed, "seed", 1, "first seed of the streams")
	f.StringVar(&e.output, "output", "text", "table as text, json or markdown")
	f.StringVar(&e.plot, "plot", "", "also draw speed-up against accuracy loss to this .svg or .png")
	return c
}

func (e contest) run(ctx context.Context, progress io.Writer, dir string) (*evaluation.Report, error) {
	pack, err := models.OpenPack(dir)
	if err != nil {
		return nil, err
	}
	card, err := evaluation.ReadCard(pack)
	if err != nil {
		return nil, err
	}
	var training *evaluation.Nets
	if e.nets != "" {
		if training, err = evaluation.ReadNets(e.nets); err != nil {
			return nil, err
		}
	}
	nets, err := evaluation.NetsFor(pack, card, training)
	if err != nil {
		return nil, err
	}
	sequences, err := listSequences(splitFolder(e.data, "test"))
	if err != nil {
		return nil, err
	}
	table, err := score(ctx, progress, nets, sequences)
	if err != nil {
		return nil, err
	}
	return evaluation.Evaluate(ctx, pack, card, table, e.seeds, e.seed)
}

// show writes the plot first: the table on stdout says that all is done.
func (e contest) show(out io.Writer, r *evaluation.Report) error {
	if e.plot != "" {
		if err := r.Plot(e.plot); err != nil {
			return err
		}
	}
	switch e.output {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetIndent("", " ")
		return enc.Encode(r)
	case "markdown":
		_, err := io.WriteString(out, r.Markdown())
		return err
	}
	return r.Text(out)
}
