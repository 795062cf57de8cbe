package pipelines

import (
	"net/http"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/schemas"
)

// Policies a run can ask for instead of the pack's own.
const (
	PolicyPack  = ""      // what the pack's manifest says
	PolicyPaper = "paper" // the protocol of arXiv 2007.01793
	PolicyFull  = "full"  // the full model answers every frame
	PolicySmall = "small" // the pack's global small net answers every frame
)

// Ways to call the full model.
const (
	FullAsPack    = ""          // what the pack's manifest says
	FullTransform = "transform" // misses go to a transform of their own; the selector teaches the window
	FullInline    = "inline"    // called in the stateful transform; its answer updates the window at once
)

// Runners.
const (
	RunnerPrism  = "prism"
	RunnerDirect = "direct" // prism under another name: Beam's Go direct runner has no state and drops data
	RunnerFlink  = "flink"
)

// Places where partitions without rows begin.
const (
	oldest = "oldest"
	newest = "newest"
)

// defaultWatch is how soon a partition that the topic gained is read, and a new version of the pack is seen.
const defaultWatch = 10 * time.Second

// Options say what a run reads, with which pack, and where its outcomes go.
type Options struct {
	Cluster kafkaio.Cluster
	Topic   string
	Group   string // consumer group whose committed offsets follow the durable rows
	Offset  string // where partitions without rows begin: oldest (default), newest or a number

	Pack   string // folder of the pack, or where a server offers it (see packs.NewSource)
	Policy string // Policy…
	Full   string // Full…

	PolicyFile string   // policy instead of the pack's own, see models.PolicyFile; empty: none
	Set        []string // settings of the policy that are replaced, each NAME=VALUE

	// Only are the offsets that are read, by partition, and nothing is committed to the group: frames are looked at once
	// more. nil: all, from what the group and the rows say.
	Only map[int32]schemas.Offsets

	Provisional bool          // misses that the full-model transform answers get the small net's answer on the outcomes topic first
	FullTimeout time.Duration // with Provisional: how long the full model is waited for before that answer stands; 0: DefaultFullTimeout

	// Server makes this run a device's: misses and audited hits are answered by a server, see [Server]. nil: here.
	Server *Server
	// AnswersTopic makes this run a server's: frames that a device sent are answered in the topic of that name and the
	// device's, see kafkaio.AnswersTopic. Empty: nobody sent them.
	AnswersTopic string

	Out           string // folder of the data set
	OutcomesTopic string // topic to also write outcomes to, as JSON; empty: none

	DeadLetterTopic string        // topic that gets the frames without an answer; empty: none
	FileAge         time.Duration // outcomes are durable at the latest after this; 0: parquetio.DefaultFileAge
	DiskWait        time.Duration // how long a disk may refuse outcomes before Run fails; 0: parquetio.DefaultGiveUp

	UntilEnd bool          // end at the offsets that the topic had at the start
	Watch    time.Duration // how soon a partition that the topic gains is read, and a new version of the pack is seen; 0: defaultWatch
	Credit   int64         // bytes of frames between source and sink at most; 0: DefaultCredit

	Provider models.Provider // what the full model runs on; empty: the CPU

	Cache      string       // with a pack that a server offers: the folder that it is kept in
	CacheBytes int64        // … and the most that its nets take, on disk and in memory; specialists are fetched when frames need them. 0: all are fetched before
	PackClient *http.Client // … and how the server is reached; nil: the default
	packs      *packs.Cache // … once it is open

	ModelMemory int64 // bytes of loaded nets in a process, beyond which specialists are closed, least recently used first; 0: all stay

	Runner      string // prism (default), direct (the same) or flink
	Endpoint    string // HOST:PORT of the runner's job service; only for flink
	Parallelism int    // branches of the caching step on prism, task slots on flink; 0: the runner's choice

	// Guard asks the full model when the raw answer leans out of the window more than usual: rare classes are found
	// again, at the price of more misses. Only with the pack's own policy.
	Guard bool

	AuditRate       float64 // share of the hits that the full model is asked about too, 0 (none) … 1
	AuditSecretFile string  // file with the key of the coin that chooses them; empty: one that is kept with the data set
	SecretOf        string  // folder of a data set whose key is used instead, if it has one: the same frames are chosen once more
	MaxFalseHits    float64 // share of a stream's hits that may be wrong, beyond which its threshold becomes stricter; 0: what the pack says

	SkipSimilar   bool          // a frame nearly equal to the last answered one of its stream takes that answer
	SimilarFrames int           // with SkipSimilar: for so many frames in a row at most; 0: DefaultSimilarFrames
	SimilarFor    time.Duration // … and no longer than this, in record time; 0: DefaultSimilarFor

	// Share makes this process a member of the group: those that run with it share the topic's partitions and the
	// data set, and take over from each other.
	Share          bool
	SessionTimeout time.Duration // how long a member may be silent; 0: kafkaio.DefaultSessionTimeout

	FlinkREST   string        // HOST:PORT of Flink's REST service; only for flink
	Checkpoints time.Duration // between two checkpoints on flink; 0: DefaultCheckpoints
	WorkerPool  string        // HOST:PORT where flink finds workers (see ServeWorkers); empty: this process

	// Reload makes Run look at once whether the pack's folder holds another version; without it, it looks every Watch. nil:
	// nobody asks.
	Reload <-chan struct{}

	Started func(*session.Session) // called when frames begin to flow, and again for each later job of the run
	Ended   func(parquetio.Tally)  // called with the counts of the run's rows when it has ended, also with an error
}

// DefaultCredit holds some seconds of work and keeps memory flat when the producer is faster.
const DefaultCredit = 32 << 20
