package kafkaio

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func init() {
	register.DoFn3x0[context.Context, schemas.MissedRun, func(string)](&askFn{})
	register.Emitter1[string]()
}

// Ask hands a PCollection<schemas.MissedRun> to the uplink of the job, which sends it in the background: a link that is cut
// holds up no bundle. The answers come from [Read]. The collection that it returns stays empty; it is there for a runner
// that needs an output of every stage.
func Ask(s beam.Scope, job string, misses beam.PCollection) beam.PCollection {
	s = s.Scope("kafkaio.Ask")
	return beam.ParDo(s, &askFn{Job: job}, misses)
}

type askFn struct {
	Job string

	uplink *uplink
}

// Setup finds the job's uplink.
func (fn *askFn) Setup(context.Context) error {
	job, err := session.Find(fn.Job)
	if err != nil {
		return fmt.Errorf("kafka: ask the server: %w", err)
	}
	var ok bool
	if fn.uplink, ok = session.Get[*uplink](job, uplinkPart); !ok {
		return fmt.Errorf("kafka: ask the server: job %s has no uplink in this process", fn.Job)
	}
	return nil
}

// ProcessElement never waits.
func (fn *askFn) ProcessElement(_ context.Context, misses schemas.MissedRun, _ func(string)) {
	fn.uplink.add(time.Now(), misses.Frames)
}
