package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

func packCommand() *cobra.Command {
	c := &cobra.Command{Use: "pack", Short: "Inspect, check, build, evaluate and offer packs", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(
		&cobra.Command{
			Use: "inspect DIR", Short: "Show the contents of a pack", Args: oneArg,
			Example: "  cachenet pack inspect models/packs/scenes",
			RunE: func(c *cobra.Command, args []string) error {
				p, err := models.OpenPack(args[0])
				if err != nil {
					return err
				}
				return inspect(c.OutOrStdout(), p)
			},
		},
		&cobra.Command{
			Use: "verify DIR", Short: "Check a pack's checksums, inputs and outputs, and run each net once", Args: oneArg,
			Example: "  cachenet pack verify models/packs/scenes",
			RunE: func(c *cobra.Command, args []string) error {
				p, err := models.OpenPack(args[0])
				if err != nil {
					return err
				}
				if err := p.Verify(); err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s: ok, %d nets match the manifest\n", p.ID(), len(p.Nets()))
				return err
			},
		},
		packBuildCommand(), packEvaluateCommand(), packRecalibrateCommand(), packImportCommand(), packPixelsCommand(), packAnswersCommand(), packOfferCommand())
	return c
}

func inspect(w io.Writer, p *models.Pack) error {
	fmt.Fprintf(w, "%s  %d classes, input %dx%d\n", p.ID(), len(p.Classes), p.Input.Width, p.Input.Height)
	if s := p.Policy; s.Kind == policy.Full {
		fmt.Fprint(w, "policy full: the full model answers every frame\n\n")
	} else {
		fmt.Fprintf(w, "policy %s: %s\n", s.Kind, shown(s))
		if a := p.Audited; a != nil {
			fmt.Fprintf(w, "with audits, run --audit-rate %v or more: %s\n", policy.DefaultAuditRate, shown(*a))
		}
		fmt.Fprintln(w)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "net\tclasses\tµs/frame\tMFLOP\tparameters\ttemperature\tsha256")
	for _, n := range p.Nets() {
		classes := fmt.Sprint(len(n.Classes))
		if n.Classes == nil {
			classes = "all"
		}
		if n.Other {
			classes += "+other"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.3g\t%.12s\n", n.Name, classes, measured("%.0f", n.MeasuredUs), measured("%.1f", n.MFLOPs), measured("%.0f", float64(n.Params)), n.Temperature, n.SHA256)
	}
	return t.Flush()
}

func shown(s policy.Settings) string {
	return fmt.Sprintf("hit when %s passes %.4g, teacher %s, alpha %.2g, decay %.2g, trust %.2g, share %.2g, slow %.2g, capacity %d",
		s.Score, s.Threshold, s.Teacher, s.Alpha, s.Decay, s.Trust, s.Share, s.Slow, s.Capacity)
}

// measured is a figure of a net, or a dash where an imported one has none.
func measured(format string, figure float64) string {
	if figure == 0 {
		return "-"
	}
	return fmt.Sprintf(format, figure)
}
