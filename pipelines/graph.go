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
}

// build draws the way of a frame:
//
//	Kafka ── Read ── Lookup ──────────── Flatten ── parquetio.Write
//	                   └─ misses ─ FullModel ─┘ └── kafkaio.Write
func build(s beam.Scope, p plan) {
	runs := kafkaio.Read(s, p.read)
	outcomes := transforms.Cached(s, p.model, p.branches, runs)
	parquetio.Write(s, p.parquet, outcomes)
	if p.topic != nil {
		kafkaio.Write(s, *p.topic, outcomes)
	}
}
