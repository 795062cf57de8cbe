package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/pipelines"
	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/report/page"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// Ways of replay to come by the full model's answers.
const (
	fullLogged = "logged" // of the rows, where they have one
	fullRerun  = "rerun"
)

// replay answers the frames of a data set again.
type replay struct {
	source    frameSource
	options   pipelines.Options
	against   string
	fullModel string
	html      string
	format    string

	known transforms.Known
}

func replayCommand() *cobra.Command {
	r := &replay{}
	c := &cobra.Command{
		Use: "replay", Short: "What if: answer the frames of a data set again, with another policy or pack, and compare", Args: noArgs,
		Long: `Reads the frames of the data set --against from the topic once more, answers them with another policy, policy file or
pack, and says what that does to the hit rate, the answers and the time in nets, in all and stream by stream. Nothing is
written to the data set, and no group commits.

A demo keeps its frames beside its rows, so --brokers may be left out there.

Frames that have left the topic are counted and left out. Where a row of the same full model has its answer, that answer
and its time are taken from the row (of its probabilities the row has only the largest one); --full-model rerun asks the
model itself.`,
		Example: `  cachenet replay --pack models/packs/scenes --set threshold=0.9 --against out/demo
  cachenet replay --brokers localhost:9092 --topic frames --pack models/packs/scenes --set threshold=0.9,alpha=0.2 --against out
  cachenet replay --brokers localhost:9092 --topic frames --pack models/packs/scenes --policy-file policy.json --against out --html replay.html`,
		RunE: func(c *cobra.Command, _ []string) error { return r.start(c) },
	}
	f := c.Flags()
	r.source.add(f, " (default that of the demo in --against)")
	f.StringVar(&r.options.Topic, "topic", keptTopic, "topic with the frames")
	f.StringVar(&r.options.Pack, "pack", "", "folder of the pack to answer with")
	policyFlags(f, &r.options)
	f.StringSliceVar(&r.options.Set, "set", nil, "settings of the policy to replace, NAME=VALUE,… by their names in a manifest, e.g. threshold=0.9,alpha=0.2")
	f.StringVar(&r.against, "against", "", "folder of the data set with the rows of the frames")
	f.StringVar(&r.options.Out, "out", "", "folder to keep the new rows in (default they are removed)")
	f.StringVar(&r.fullModel, "full-model", fullLogged, "source of the full model's answers: logged (the rows, if they have one) or rerun")
	f.StringVar(&r.html, "html", "", "write the comparison as a page to this file too")
	f.StringVar(&r.format, "output", "text", "text or json")
	return c
}

func (r *replay) start(c *cobra.Command) (err error) {
	if err := required(c, "topic", "pack", "against"); err != nil {
		return err
	}
	if r.fullModel != fullLogged && r.fullModel != fullRerun {
		return usageError{fmt.Errorf("--full-model %q: must be logged or rerun", r.fullModel)}
	}
	if err := checkOutput(r.format); err != nil {
		return err
	}
	if err := usage(r.options.Contradiction()); err != nil {
		return err
	}
	closing, err := r.source.open(c, r.against)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing()) }()
	r.options.Cluster = r.source.Cluster
	if err := r.prepare(c.Context()); err != nil {
		return err
	}
	if r.options.Out == "" {
		temporary, err := os.MkdirTemp("", "cachenet-replay-")
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		defer func() { _ = os.RemoveAll(temporary) }() // it is in the temporary folder
		r.options.Out = temporary
	}
	if err := r.run(c.Context(), c.ErrOrStderr()); err != nil {
		return err
	}
	compared, err := report.Compare(c.Context(), r.against, r.options.Out, r.options.Topic)
	if err != nil {
		return err
	}
	if compared.All.After.Frames == 0 {
		return fmt.Errorf("replay: the topic %s holds none of the %s frames of %s any more", r.options.Topic, humanize.Comma(compared.Gone), r.against)
	}
	return r.tell(c, compared)
}

// prepare finds out which frames there are, and which answers of the full model.
func (r *replay) prepare(ctx context.Context) error {
	pack, err := models.OpenPack(r.options.Pack)
	if err != nil {
		return err
	}
	r.options.Only = map[int32]schemas.Offsets{}
	for row, err := range parquetio.Rows(ctx, r.against) {
		if err != nil {
			return err
		}
		if row.Topic != r.options.Topic {
			continue
		}
		held := r.options.Only[row.Partition]
		held.Add(row.Offset, row.Offset+1)
		r.options.Only[row.Partition] = held
		if r.fullModel == fullLogged && row.Outcome == schemas.Miss && row.ModelSHA256 == pack.Full.SHA256 {
			r.known.Add(&row)
		}
	}
	if len(r.options.Only) == 0 {
		return fmt.Errorf("replay: %s holds no rows of topic %s: name the data set that a run wrote from it", r.against, r.options.Topic)
	}
	r.options.SecretOf = r.against
	r.options.Group, r.options.UntilEnd = "cachenet-replay", true // the group has no part in it
	return nil
}

// run answers the frames again.
func (r *replay) run(ctx context.Context, progress io.Writer) error {
	bar := newProgress(progress, "replay")
	bar.topic = r.options.Topic
	defer bar.stop()
	var refused error
	r.options.Started = func(job *session.Session) {
		refused = errors.Join(refused, transforms.UseKnown(job, &r.known))
		bar.follow(job)
	}
	return errors.Join(pipelines.Run(ctx, r.options), refused, ctx.Err())
}

func (r *replay) how() []string {
	how := []string{"pack " + r.options.Pack}
	for _, named := range [][2]string{{"policy", r.options.Policy}, {"policy file", r.options.PolicyFile}, {"with", strings.Join(r.options.Set, ", ")}} {
		if named[1] != "" {
			how = append(how, named[0]+" "+named[1])
		}
	}
	if r.fullModel == fullLogged {
		return append(how, fmt.Sprintf("%s answers of the full model were in the rows", humanize.Comma(int64(r.known.Frames()))))
	}
	return append(how, "the full model was run again")
}

func (r *replay) tell(c *cobra.Command, compared report.Comparison) error {
	if r.html != "" {
		var b bytes.Buffer
		if err := page.WriteComparison(&b, compared, r.against, r.how()); err != nil {
			return err
		}
		if err := writePage(r.html, b.Bytes()); err != nil {
			return err
		}
	}
	if r.format == outputJSON {
		return writeJSON(c.OutOrStdout(), compared)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s again: %s\n", r.against, strings.Join(r.how(), "; "))
	return compared.WriteText(c.OutOrStdout())
}
