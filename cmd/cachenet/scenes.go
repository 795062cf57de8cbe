package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/frames"
)

func scenesCommand() *cobra.Command {
	var out string
	var look look
	heldOut := 40
	c := &cobra.Command{
		Use:     "scenes",
		Short:   "Write the rendered scenes that the bundled pack is trained on as an image folder",
		Long:    "Writes DIR/train, DIR/val and DIR/test, each with a folder per class of <sequence>_<frame>.jpg. The output is deterministic.",
		Example: "  cachenet scenes --out data/scenes",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "out"); err != nil {
				return err
			}
			if heldOut < 1 {
				return usageError{fmt.Errorf("--held-out %d: must be at least 1", heldOut)}
			}
			source, err := look.open()
			if err != nil {
				return err
			}
			return frames.WriteDataSet(c.Context(), source, out, heldOut)
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder to write to")
	c.Flags().IntVar(&heldOut, "held-out", heldOut, "sequences of each class in val, which pack build chooses and confirms on; test has 16, train 300 short ones")
	look.add(c.Flags(), "32x32")
	return c
}
