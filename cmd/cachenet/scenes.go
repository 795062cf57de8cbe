package main

import (
	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/frames"
)

func scenesCommand() *cobra.Command {
	var out string
	var look look
	c := &cobra.Command{
		Use:     "scenes",
		Short:   "Write the rendered scenes that the bundled pack is trained on as an image folder",
		Long:    "Writes DIR/train, DIR/val and DIR/test, each with a folder per class of <sequence>_<frame>.jpg. The output is the same every time.",
		Example: "  cachenet scenes --out data/scenes",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "out"); err != nil {
				return err
			}
			source, err := look.open()
			if err != nil {
				return err
			}
			return frames.WriteDataSet(source, out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder to write to")
	look.add(c.Flags(), "32x32")
	return c
}
