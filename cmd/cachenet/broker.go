package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/broker"
)

// brokerGC is the growth of the heap, in percent, after which Go collects garbage. Nearly all of a broker's heap are records that stay: with Go's 100
// the process would take twice as much memory, and the kernel twice as long to clear it.
const brokerGC = 25

func brokerCommand() *cobra.Command {
	o := broker.Options{AutoCreate: true}
	c := &cobra.Command{
		Use:     "broker",
		Short:   "Run the embedded Kafka-compatible broker on its own",
		Long:    "Runs a Kafka-compatible broker in this process until SIGINT or SIGTERM, for any Kafka client and Kafka's own tools. It is a single node, meant for trials and small sites.",
		Example: "  cachenet broker --listen localhost:9092 --data ./broker-data",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Partitions < 1 {
				return usageError{fmt.Errorf("--partitions %d: must be at least 1", o.Partitions)}
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(brokerGC)
			}
			b, err := broker.Start(o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "listening on %s\n", b.Addr())
			<-c.Context().Done()
			return b.Close()
		},
	}
	c.Flags().StringVar(&o.Listen, "listen", "localhost:9092", "address to listen on, HOST:PORT; port 0 for a free one")
	c.Flags().StringVar(&o.Advertise, "advertise", "", "host name or IP address, without a port, to advertise to clients (default that of --listen)")
	c.Flags().StringVar(&o.DataDir, "data", "", "folder for topics and groups (default memory only)")
	c.Flags().IntVar(&o.Partitions, "partitions", 4, "partitions of topics that are created without a count")
	return c
}
