package pipelines

import (
	"context"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/transforms"
)

// config is what does not change between the jobs of a run.
type config struct {
	Options
	runner runner
	model  transforms.Model
	pack   string                        // name@version
	shape  string                        // see shapeOf
	again  func(Options) (config, error) // settles a config once more, for another version of the pack
	heirs  []string                      // nets of earlier versions in this run, whose streams these go on with
	nets   string                        // what the state of a stream depends on: nets and policy
}

// credit is how many bytes of frames may be between source and sink; 0: as many as the runner likes.
func (c config) credit() int64 {
	switch {
	case !c.runner.credit:
		return 0
	case c.Credit <= 0:
		return DefaultCredit
	}
	return c.Credit
}

// runner is what differs between runners; everything else is the same graph.
type runner struct {
	branches    int           // of the caching step
	everyBundle bool          // files end with their bundle, because the runner replays bundles after a failure
	shared      bool          // rows may come from several processes at once
	fenced      bool          // sinks need an output, see fence
	credit      bool          // source and sink share a process, so credit can stand in for backpressure
	stay        time.Duration // how long the source stays in a bundle, see kafkaio.ReadConfig
	elsewhere   bool          // the source runs in other processes, which a file tells to drain
	renew       time.Duration // after how long a job is drained and followed by the next one; 0: never

	execute func(context.Context, execution) error
}

// execution is one run of a pipeline, to its end.
type execution struct {
	id       string
	pipeline *beam.Pipeline
	spans    []kafkaio.Span
	topic    string
	out      string
	job      *session.Session
}

// stopName names the file, next to the outcomes, that makes the sources of a job end.
func stopName(job string) string { return "stop-" + job }
