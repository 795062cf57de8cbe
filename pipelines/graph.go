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
	flatten  bool // outcomes of all branches meet in front of the sinks
	parquet  parquetio.WriteConfig
	topic    *kafkaio.WriteConfig // nil: no outcomes topic
	dead     *kafkaio.WriteConfig // nil: no dead letters
}

// build draws the way of a frame:
//
//	Kafka ── Read ── Lookup ─────────────┬── kafkaio.Write ── WriteDeadLetters ── parquetio.Write
//	                   └─ misses ─ FullModel       (when asked for)
//
// The sinks follow each other because a row in Parquet is what a restart does not do again: it comes last.
func build(s beam.Scope, p plan) {
	runs := kafkaio.Read(s, p.read)
	all := transforms.Cached(s, p.model, p.branches, runs)
	if p.flatten {
		all = []beam.PCollection{beam.Flatten(s, all...)}
	}
	for _, outcomes := range all {
		sink(s, p, outcomes)
	}
}

// sink writes outcomes to wherever they go. Several of them share what they write with, by the id of the job.
func sink(s beam.Scope, p plan, outcomes beam.PCollection) {
	if p.topic != nil {
		outcomes = kafkaio.Write(s, *p.topic, outcomes)
	}
	if p.dead != nil {
		outcomes = kafkaio.WriteDeadLetters(s, *p.dead, outcomes)
	}
	none := parquetio.Write(s, p.parquet, outcomes)
	if !p.flatten {
		beam.Reshuffle(s, none) // prism waits for a stage without an output in a loop that takes a whole core
	}
}
