package main

import (
	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/frames"
)

func scenesCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:     "scenes",
		Short:   "Write the rendered scenes that the bundled pack is trained on as an image folder",
		Long:    "Writes DIR/train, DIR/val and DIR/test, each with a folder per class of <sequence>_<frame>.jpg. It is the same data every time.",
		Example: "  cachenet scenes --out data/scenes",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "out"); err != nil {
				return err
			}
			source, err := frames.Scenes(frames.DefaultSize)
			if err != nil {
				return err
			}
			return frames.WriteDataSet(source, out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder to write to")
	return c
}
