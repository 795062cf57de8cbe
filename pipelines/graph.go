package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/transforms"
)

// plan is all that the graph needs, settled before it is built.
type plan struct {
	read     kafkaio.ReadConfig
	model    transforms.Model
	branches int
	parquet  parquetio.WriteConfig
	topic    *kafkaio.WriteConfig // nil: no outcomes topic
	dead     *kafkaio.WriteConfig // nil: no dead letters
	answers  *kafkaio.WriteConfig // where devices that sent the frames are answered; nil: nobody did
	device   bool                 // misses go to a server through the job's uplink
	fenced   bool                 // the sinks get an output, see fence
}

// build draws the data flow, in each branch:
//
//	Kafka ── Read ── Lookup ──────────────┬─ kafkaio.Write ── WriteDeadLetters ── parquetio.Write
//	                   └─ misses ─ FullModel ─┘     (when asked for)
//
// Outcomes of Lookup and of FullModel have separate sinks, so that a runner may fuse all behind Read into one stage: between
// two stages every element is encoded, carried and decoded. The sinks follow each other because a restart does not repeat a frame with a row in Parquet: Parquet comes last.
func build(s beam.Scope, p plan) {
	runs := kafkaio.Read(s, p.read)
	all, empty := caching(s, p, runs)
	for _, outcomes := range all {
		if p.answers != nil {
			outcomes = kafkaio.Answer(s, *p.answers, outcomes)
		}
		if p.topic != nil {
			outcomes = kafkaio.Write(s, *p.topic, outcomes)
		}
		if p.dead != nil {
			outcomes = kafkaio.WriteDeadLetters(s, *p.dead, outcomes)
		}
		empty = append(empty, parquetio.Write(s, p.parquet, outcomes))
	}
	if p.fenced {
		fence(s, empty)
	}
}

// caching draws the caching step. On a device misses leave the graph here, and their answers come back through Read, as
// runs for the same Lookup; empty are the collections without elements that this makes.
//
//	Kafka ── Read ── Lookup ── outcomes
//	          ┊        └─ misses ── Ask ┄┄┄ server's topics ┄┄┐
//	          └┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ answers ┄┄┄┄┄┄┄┄┄┄┄┄┘
func caching(s beam.Scope, p plan, runs beam.PCollection) (outcomes, empty []beam.PCollection) {
	if !p.device {
		return transforms.Cached(s, p.model, p.branches, runs), nil
	}
	outcomes, misses := transforms.Device(s, p.model, p.branches, runs)
	for _, m := range misses {
		empty = append(empty, kafkaio.SendMisses(s, p.model.Job, m))
	}
	return outcomes, empty
}

// fence reads what the sinks return, which is nothing, in a stage of its own. Prism 2.77 waits for a bundle's data and
// for its response in one select; once the data is complete that select returns at once, again and again, until the response
// is there (internal/stage.go, Execute). A stage without an output is complete from the start, so it would spin for as
// long as its bundles take: 2.5 times the processor time a frame. With an output it spins from the end of the bundle's
// last element to its response.
func fence(s beam.Scope, empty []beam.PCollection) { beam.Flatten(s.Scope("fence"), empty...) }
