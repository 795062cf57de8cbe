package main

import (
	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/pipelines"
)

func workersCommand() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "workers",
		Short: "Serve workers to a Flink cluster",
		Long: `Starts workers for the jobs of a Flink cluster when its task managers request them, until SIGINT or SIGTERM. Run
one next to each task manager, with access to the same --pack and --out folders as the process that submits the job
with cachenet run --runner flink --worker-pool. There is no authentication: keep it on loopback.`,
		Example: `  cachenet workers --listen 127.0.0.1:50000`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "listen"); err != nil {
				return err
			}
			return pipelines.ServeWorkers(c.Context(), listen)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:50000", "address to listen on, HOST:PORT")
	return c
}
