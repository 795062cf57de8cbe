package kafkaio

import (
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/schemas"
)

// Unbounded as Span.To means to read without end. It lies below the largest int64 because trackers add one.
const Unbounded int64 = 1 << 62

// Defaults of ReadConfig.
const (
	defaultRunLength     = 16
	defaultBundleRecords = 500
	defaultBundleBytes   = 4 << 20

	// Where the session holds the frames, a runner is given numbers of a few bytes. The more of them share a bundle
	// the less it costs; credit is what bounds it.
	heldRunLength     = 64
	heldBundleRecords = 1 << 16
	heldBundleBytes   = 1 << 40

	// Each partition reads ahead on its own; all together keep to readAhead and readAheadFrames, down to what still makes
	// fetches worth their requests. The number of frames limits small ones: in memory they are much larger than their images,
	// and a third of a second of them is enough.
	readAhead         = 64 << 20
	maxQueueBytes     = 2 << 20
	minQueueBytes     = 256 << 10
	readAheadFrames   = 1 << 12
	minQueueFrames    = 64
	defaultFetchBytes = 1 << 20
	minFetchBytes     = 64 << 10

	defaultMaxFrameBytes = 8 << 20
	defaultRetryFor      = retry.Budget
)

// Span says what to read of one partition: the records of [From, To) that are not in Done.
type Span struct {
	Partition   int32
	From        int64
	To          int64           // Unbounded to read without end
	Done        schemas.Offsets // offsets that have their durable outcome already
	Quarantined schemas.Offsets // offsets whose frame comes with a Fault, because processes crashed on it
}

// ReadConfig says what to read. It is serialised into the pipeline. Numbers left zero get their default.
type ReadConfig struct {
	Job     string // id of the job, see connectors/session
	Cluster Cluster
	Topic   string
	Spans   []Span // what to read of each partition; see Describe

	RunLength     int           // frames in a run at most, default 16, or 64 where the session holds them
	BundleRecords int           // records in a bundle at most, shared by the partitions that have some, default 500, or what credit allows
	BundleBytes   int64         // bytes of values in a bundle at most, shared likewise, default 4 MiB, or what credit allows
	FetchBytes    int64         // bytes asked for in a fetch; a larger batch still comes whole, default 1 MiB, or half of QueueBytes where that is less
	QueueBytes    int64         // bytes read ahead of the pipeline in a partition before fetching pauses, default its share of 64 MiB, 256 KiB to 2 MiB
	QueueFrames   int           // frames read ahead likewise, default its share of 4,096, at least 64
	MaxFrameBytes int           // a larger value gives a frame with a Fault and no image, default 8 MiB
	Stay          time.Duration // how long the partitions together stay in a bundle; 0: they take what waits and leave
	RetryFor      time.Duration // how long fetches may fail before the pipeline does, default 10 min
	Answers       bool          // the job has an uplink (see [OpenUplink]): what it receives comes as runs of answers
	StopFile      string        // a file whose appearance drains the job, for workers that cannot be reached otherwise; may be empty
}

func (c ReadConfig) withDefaults() ReadConfig {
	orDefault(&c.QueueBytes, max(minQueueBytes, min(maxQueueBytes, readAhead/int64(max(1, len(c.Spans))))))
	orDefault(&c.QueueFrames, max(minQueueFrames, readAheadFrames/max(1, len(c.Spans))))
	orDefault(&c.FetchBytes, min(defaultFetchBytes, c.QueueBytes/2))
	orDefault(&c.MaxFrameBytes, defaultMaxFrameBytes)
	orDefault(&c.RetryFor, defaultRetryFor)
	return c
}

// sized settles how much a bundle takes, which depends on where the frames stay.
func (c ReadConfig) sized(held bool) ReadConfig {
	if held {
		orDefault(&c.RunLength, heldRunLength)
		orDefault(&c.BundleRecords, heldBundleRecords)
		orDefault(&c.BundleBytes, heldBundleBytes)
	}
	orDefault(&c.RunLength, defaultRunLength)
	orDefault(&c.BundleRecords, defaultBundleRecords)
	orDefault(&c.BundleBytes, defaultBundleBytes)
	return c
}

func orDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// share returns how much one partition may put into a bundle that n partitions share. A share never falls
// below two runs: with many partitions short runs would cost more than a somewhat larger bundle.
func (c ReadConfig) share(n int) (records int, bytes int64) {
	n = max(n, 1)
	return max(c.BundleRecords/n, 2*c.RunLength), c.BundleBytes / int64(n)
}
