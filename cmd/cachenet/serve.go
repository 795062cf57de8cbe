package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/pipelines"
)

func serveCommand() *cobra.Command {
	r := &run{}
	offer := offerFlags{}
	r.command = &cobra.Command{
		Use:   "serve",
		Short: "Answer the misses of devices with the full model",
		Long: `Reads the frames that devices (cachenet edge) send, answers each with the full model, batched across devices and streams,
and sends the answer to the device. Every answer is also a row in Parquet, as those of cachenet run. It runs until SIGINT
or SIGTERM and then drains. Restarted with the same --out it answers what has no row there; a device that is answered twice
drops the second answer. docs/edge.md says how devices and servers fit together.`,
		Example: "  cachenet serve --brokers server:9092 --pack models/packs/scenes --out answered",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return r.serve(c, offer) },
	}
	f := r.command.Flags()
	r.cluster.add(f)
	f.StringVar(&r.options.Topic, "topic", pipelines.DefaultMisses, "topic with the misses of all devices; it is created if missing")
	f.StringVar(&r.options.AnswersTopic, "answers-topic", pipelines.DefaultAnswers, "topics for the answers: this name, a hyphen and the device's name; created if missing")
	f.StringVar(&r.options.Group, "group", "cachenet-serve", "consumer group whose committed offsets follow the durable rows")
	f.StringVar(&r.options.Offset, "offset", "oldest", "where to start in partitions without rows: oldest, newest or a number")
	f.StringVar(&r.options.Pack, "pack", "", "folder of the pack")
	f.StringVar(&offer.listen, "listen", "", "offer packs to devices over HTTP at this HOST:PORT, without authentication (default off; docs/packs.md)")
	f.StringVar(&offer.topic, "packs-topic", "", "offer packs to devices in this topic, where they reach nothing but Kafka; it is created if missing (default off; docs/packs.md)")
	f.StringVar(&offer.dir, "packs", "", "with --listen or --packs-topic: folder with the packs to offer (default that of --pack)")
	providerFlag(f, &r.options)
	r.dataFlags(f)
	r.watchFlags(f)
	return r.command
}

// offerFlags say which packs a server offers, and where.
type offerFlags struct{ listen, topic, dir string }

// start offers them until closing is called.
func (o offerFlags) start(pack string, cluster kafkaio.Cluster) (closing func() error, err error) {
	nothing := func() error { return nil }
	switch {
	case o.listen == "" && o.topic == "" && o.dir != "":
		return nil, usageError{errors.New("--packs: has an effect only with --listen or --packs-topic: leave it out")}
	case o.listen == "" && o.topic == "":
		return nothing, nil
	}
	offer, err := packs.NewOffer(cmp.Or(o.dir, pack))
	if err != nil {
		return nil, err
	}
	closing = nothing
	if o.listen != "" {
		var at string
		if at, closing, err = packs.Listen(o.listen, offer); err != nil {
			return nil, err
		}
		slog.Info("packs are offered", "packs", strings.Join(offer.Names(), ", "), "at", "http://"+at+"/v1/packs/")
	}
	if o.topic == "" {
		return closing, nil
	}
	stop, err := publishPacks(offer, cluster, o.topic)
	if err != nil {
		return nil, errors.Join(err, closing())
	}
	listening := closing
	return func() error { stop(); return listening() }, nil
}

// publishPacks puts an offer into a topic until stop is called.
func publishPacks(offer *packs.Offer, cluster kafkaio.Cluster, topic string) (stop func(), err error) {
	log, err := kafkaio.OpenLog(cluster, topic, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var publishing sync.WaitGroup
	publishing.Go(func() { packs.Publish(ctx, offer, log) })
	return func() {
		cancel()
		publishing.Wait()
		log.Close()
	}, nil
}

func (r *run) serve(c *cobra.Command, offer offerFlags) (err error) {
	if err := required(c, "brokers", "topic", "answers-topic", "pack", "out"); err != nil {
		return err
	}
	if offer.topic != "" && offer.topic == r.options.Topic {
		return usageError{fmt.Errorf("--packs-topic %s: is the topic with the misses: name another topic", offer.topic)}
	}
	r.options.Policy = pipelines.PolicyFull
	if err := r.check(); err != nil {
		return err
	}
	r.options.Cluster = r.cluster.Cluster
	closing, err := offer.start(r.options.Pack, r.options.Cluster)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	return r.follow(c)
}
