package main

import (
	"fmt"

	"github.com/spf13/cobra"

	netlink "github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/pipelines"
)

// device is a run whose misses a server answers.
type device struct {
	run
	server clusterFlags
	at     pipelines.Server
	link   string
	upload string
}

// Values of --upload.
const (
	uploadAuto  = "auto"
	uploadFrame = "frame"
)

func edgeCommand() *cobra.Command { return newDevice().command }

func newDevice() *device {
	d := &device{}
	d.command = &cobra.Command{
		Use:   "edge",
		Short: "Run the pipeline on a device: hits here, misses to a server",
		Long: `Reads frames from a Kafka topic on the device, as cachenet run does, and answers each with the stream's cached specialist
where that is confident. Other frames go to a server (cachenet serve) over its own Kafka; when the answer comes, the stream
learns from it and the frame gets its row. Hits never wait for the server. While the link is cut or the server is away,
misses wait, as many as --credit holds; with --provisional they get the small net's answer after --full-timeout.

It runs until SIGINT or SIGTERM, then reads no more frames and waits --drain for outstanding answers. A frame that has no
answer by then has no row: the next run with the same --out reads it again. docs/edge.md says more.`,
		Example: `  cachenet edge --device cam-gw-1 --brokers localhost:9092 --topic frames --server-brokers server:9092 --pack models/packs/scenes --out out
  cachenet edge --config device.yaml --metrics 127.0.0.1:9090
  cachenet edge --device cam-gw-1 --brokers localhost:9092 --topic frames --server-brokers server:9092 --pack models/packs/scenes --out out --provisional --full-timeout 500ms --outcomes-topic outcomes`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return d.start(c) },
	}
	f := d.command.Flags()
	d.cluster.add(f)
	d.server.addFor(f, "server-", " of the server")
	f.StringVar(&d.at.Device, "device", "", "name of this device: letters, digits, dots, hyphens, underscores; each device of a server needs its own")
	f.StringVar(&d.at.Misses, "misses-topic", pipelines.DefaultMisses, "topic of the server for misses; it is created if missing")
	f.StringVar(&d.at.Answers, "answers-topic", pipelines.DefaultAnswers, "topics of the server for answers: this name, a hyphen and the device's name; created if missing")
	f.DurationVar(&d.at.Drain, "drain", pipelines.DefaultDrain, "how long to wait for outstanding answers at the end of the run")
	f.StringVar((*string)(&d.at.Offload), "offload", string(offload.ModeAsk), "what becomes of a miss: ask (wait for the server), here (ask the full model on the device), alone (the small net's answer stands), or auto (the quickest by the measured link and nets; docs/edge.md)")
	f.StringVar(&d.upload, "upload", uploadAuto, "form in which misses are sent: auto (the pixels of the full model's input where these are fewer bytes) or frame (unchanged)")
	f.Float64Var(&d.at.Fuse, "fuse", 0, "weight, 0 to 1, of what the stream has shown lately in the answer to a miss, beside the full model's; 0: the pack's, or else none (docs/edge.md)")
	f.StringVar(&d.link, "link", "", "for tests: slow the connections to the server down, "+netlink.Syntax)
	f.StringVar(&d.options.Topic, "topic", "", "topic with the frames")
	f.StringVar(&d.options.Group, "group", "cachenet-edge", "consumer group whose committed offsets follow the durable rows")
	f.StringVar(&d.options.Offset, "offset", "oldest", "where to start in partitions without rows: oldest, newest or a number")
	d.packFlags(f, "no limit")
	policyFlags(f, &d.options)
	d.answerFlags(f)
	d.dataFlags(f)
	f.StringVar(&d.options.OutcomesTopic, "outcomes-topic", "", "topic of the device to also write outcomes to, as JSON")
	f.StringVar(&d.options.DeadLetterTopic, "dead-letter-topic", "", "topic of the device for frames without an answer, unchanged; see cachenet redeliver")
	f.BoolVar(&d.options.UntilEnd, "until-end", false, "stop at the current end of the topic, when every frame has its row")
	d.watchFlags(f)
	d.configFlags(f)
	return d
}

func (d *device) start(c *cobra.Command) error {
	if done, err := d.configured(c); done || err != nil {
		return err
	}
	if err := required(c, "brokers", "topic", "device", "server-brokers", "pack", "out"); err != nil {
		return err
	}
	if err := d.checkDevice(); err != nil {
		return err
	}
	d.options.Cluster, d.at.Cluster = d.cluster.Cluster, d.server.Cluster
	return d.follow(c)
}

// checkDevice refuses settings that contradict each other.
func (d *device) checkDevice() error {
	d.options.Server = &d.at
	if err := d.check(); err != nil {
		return err
	}
	if err := d.server.check(); err != nil {
		return err
	}
	if d.upload != uploadAuto && d.upload != uploadFrame {
		return usageError{fmt.Errorf("--upload %q: must be %s or %s", d.upload, uploadAuto, uploadFrame)}
	}
	d.at.Whole = d.upload == uploadFrame
	if d.link != "" {
		shape, err := netlink.Parse(d.link)
		if err != nil {
			return usageError{err}
		}
		d.at.Link = netlink.New(shape, 1)
	}
	return nil
}
