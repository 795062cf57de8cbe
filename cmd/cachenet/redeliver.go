package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/report"
)

func redeliverCommand() *cobra.Command {
	var cluster clusterFlags
	var letters, group string
	c := &cobra.Command{
		Use:   "redeliver",
		Short: "Send dead letters back to the topic they came from",
		Long: `Sends each dead letter (see run --dead-letter-topic) back to the topic its frame came from, unchanged, to be
processed again after the cause is fixed. Letters that --group has redelivered are not sent again. A letter that cannot be sent
is skipped; the command then reports why and exits with 1.`,
		Example: `  cachenet redeliver --brokers localhost:9092 --from-dead-letters frames-dead`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "brokers", "from-dead-letters", "group"); err != nil {
				return err
			}
			if err := cluster.check(); err != nil {
				return err
			}
			n, err := kafkaio.Redeliver(c.Context(), cluster.Cluster, letters, group)
			if err == nil || n > 0 { // else err says all
				fmt.Fprintf(c.OutOrStdout(), "redelivered %s\n", report.Count(int64(n), "frame"))
			}
			return err
		},
	}
	f := c.Flags()
	cluster.add(f)
	f.StringVar(&letters, "from-dead-letters", "", "topic with the dead letters")
	f.StringVar(&group, "group", "cachenet-replay", "consumer group that remembers what was redelivered")
	return c
}
