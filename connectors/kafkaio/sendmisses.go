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
	register.DoFn3x0[context.Context, schemas.MissedRun, func(string)](&sendMissesFn{})
	register.Emitter1[string]()
}

// SendMisses hands a PCollection<schemas.MissedRun> to the job's uplink, which sends it in the background, so that a link
// that is cut does not block bundles. The answers arrive through [Read]. The returned collection stays empty; it is for
// runners that need an output of every stage.
func SendMisses(s beam.Scope, job string, misses beam.PCollection) beam.PCollection {
	s = s.Scope("kafkaio.SendMisses")
	return beam.ParDo(s, &sendMissesFn{Job: job}, misses)
}

type sendMissesFn struct {
	Job string

	uplink *uplink
}

// Setup finds the job's uplink.
func (fn *sendMissesFn) Setup(context.Context) error {
	job, err := session.Find(fn.Job)
	if err != nil {
		return fmt.Errorf("kafka: send misses to the server: %w", err)
	}
	var ok bool
	if fn.uplink, ok = session.Get[*uplink](job, uplinkPart); !ok {
		return fmt.Errorf("kafka: send misses to the server: job %s has no uplink in this process", fn.Job)
	}
	return nil
}

// ProcessElement never waits.
func (fn *sendMissesFn) ProcessElement(_ context.Context, misses schemas.MissedRun, _ func(string)) {
	fn.uplink.add(time.Now(), misses.Frames)
}
