package pipelines

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/packs"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
	"github.com/cachenet/cachenet/transforms"
)

// Policies a run can ask for instead of the pack's own.
const (
	PolicyPack  = ""      // what the pack's manifest says
	PolicyPaper = "paper" // the protocol of arXiv 2007.01793
	PolicyFull  = "full"  // the full model answers every frame
	PolicySmall = "small" // the pack's global small net answers every frame
)

// policySet is how rows name a policy of which settings were replaced.
const policySet = "set"

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

// DefaultWatch is how soon a partition that the topic gained is read, and a new version of the pack is seen.
const DefaultWatch = 10 * time.Second

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
	Watch    time.Duration // how soon a partition that the topic gains is read, and a new version of the pack is seen; 0: DefaultWatch
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

// maxBranches is how many branches prism starts within seconds; a few for each processor are enough.
const maxBranches = 512

// DefaultCredit holds some seconds of work and keeps memory flat when the producer is faster.
const DefaultCredit = 32 << 20

// model settles which nets and settings the run uses.
func (o Options) model(p *models.Pack) (transforms.Model, error) {
	m := transforms.Model{PackDir: p.Dir, PackSHA256: p.SHA256, Policy: p.Policy, PolicyName: o.Policy, Depot: o.depot(), CacheBytes: cmp.Or(o.CacheBytes, o.ModelMemory), Provider: o.Provider}
	if o.PolicyFile != "" {
		f, err := models.ReadPolicyFile(o.PolicyFile, p)
		if err != nil {
			return m, err
		}
		m.Policy, m.PolicyName = f.Policy, f.ID
	}
	switch o.Full {
	case FullAsPack:
	case FullInline:
		m.Policy.Teacher = policy.Inline
	case FullTransform:
		if p.Routed != nil && p.Policy.Teacher != policy.Selector {
			m.Policy = *p.Routed
		}
		m.Policy.Teacher = policy.Selector
	}
	switch o.Policy {
	case PolicyPack:
		if o.Guard && p.Guarded == nil {
			return m, fmt.Errorf("--guard: pack %s was not calibrated for it: build the pack again", p.ID())
		}
		if o.Guard {
			m.Policy.Guard = p.Guarded.Guard
		}
	case PolicyPaper:
		if p.Paper == nil {
			return m, fmt.Errorf("--policy paper: pack %s has no settings for it: build the pack with specialists", p.ID())
		}
		teacher := m.Policy.Teacher
		m.Policy = *p.Paper
		if o.Full != FullAsPack {
			m.Policy.Teacher = teacher
		}
	case PolicyFull:
		m.Policy.Kind = policy.Full
		if o.Full == FullAsPack {
			m.Policy.Teacher = policy.Selector // in a transform of its own the model gets batches
		}
	case PolicySmall:
		m.Global = true
		m.Policy.Kind, m.Policy.Score, m.Policy.Threshold, m.Policy.Alpha, m.Policy.Guard = policy.Window, policy.Confidence, 0, 1, 0
	}
	if len(o.Set) > 0 {
		set, err := m.Policy.With(o.Set)
		if err != nil {
			return m, fmt.Errorf("--set %w", err)
		}
		if set.AuditRate != m.Policy.AuditRate {
			return m, errors.New("--set audit_rate: say it with --audit-rate")
		}
		if err := set.Validate(len(p.Specialists), p.Selector != nil); err != nil {
			return m, fmt.Errorf("--set: %w", err)
		}
		m.Policy, m.PolicyName = set, policySet
	}
	if o.Server != nil {
		m.Policy.Teacher, m.Offload, m.Shrink = policy.Feedback, o.Server.offload(), !o.Server.Whole
		m.Policy.Fuse = cmp.Or(float32(o.Server.Fuse), m.Policy.Fuse)
	}
	if err := o.provisional(&m); err != nil {
		return m, err
	}
	if err := o.similar(&m.Policy); err != nil {
		return m, err
	}
	return m, o.trust(&m.Policy)
}

func (o Options) validate() error {
	switch {
	case o.Topic == "":
		return errors.New("--topic is missing: name the topic with the frames")
	case o.Group == "":
		return errors.New("--group is missing: name the consumer group that commits")
	case o.Out == "":
		return errors.New("--out is missing: name the folder for outcomes")
	case o.Pack == "":
		return errors.New("--pack is missing: name the folder of a pack")
	case o.Server != nil && o.Runner == RunnerFlink:
		return errors.New("--runner flink: a device keeps the frames that wait for its server in its own process: leave it out")
	case o.Share && o.Runner == RunnerFlink:
		return errors.New("--share: flink spreads the partitions itself: leave it out, or leave out --runner flink")
	}
	return o.Contradiction()
}

// Contradiction returns what is wrong with the options by themselves, whatever the pack and the brokers say.
func (o Options) Contradiction() error {
	switch {
	case o.OutcomesTopic != "" && o.OutcomesTopic == o.Topic:
		return fmt.Errorf("--outcomes-topic %s: is the topic with the frames: outcomes would be read as frames, without end; choose another one", o.Topic)
	case o.DeadLetterTopic != "" && o.DeadLetterTopic == o.Topic:
		return fmt.Errorf("--dead-letter-topic %s: is the topic with the frames: dead letters would be read as frames, without end; choose another one", o.Topic)
	case o.DeadLetterTopic != "" && o.DeadLetterTopic == o.OutcomesTopic:
		return fmt.Errorf("--dead-letter-topic %s: is the outcomes topic: outcomes would be redelivered as frames; choose another one", o.DeadLetterTopic)
	case !slices.Contains([]string{PolicyPack, PolicyPaper, PolicyFull, PolicySmall}, o.Policy):
		return fmt.Errorf("--policy %q: must be paper, full or small, or omitted", o.Policy)
	case !slices.Contains([]string{FullAsPack, FullTransform, FullInline}, o.Full):
		return fmt.Errorf("--full %q: must be transform or inline", o.Full)
	case !slices.Contains([]string{"", RunnerPrism, RunnerDirect, RunnerFlink}, o.Runner):
		return fmt.Errorf("--runner %q: must be prism, direct (the same) or flink", o.Runner)
	case o.PolicyFile != "" && (o.Policy != PolicyPack || o.Full != FullAsPack || o.Guard):
		return errors.New("--policy-file: is the whole policy: leave --policy, --full and --guard out")
	case o.Guard && o.Policy != PolicyPack:
		return fmt.Errorf("--guard: policy %s has no guard: leave --policy out", o.Policy)
	case o.ModelMemory < 0:
		return fmt.Errorf("--model-memory %d: must not be negative", o.ModelMemory)
	case o.Runner != RunnerFlink && o.Parallelism > maxBranches:
		return fmt.Errorf("--parallelism %d: must be at most %d on prism, which takes time to start for each", o.Parallelism, maxBranches)
	}
	if o.Server != nil {
		if err := o.Server.contradiction(o); err != nil {
			return err
		}
	}
	switch {
	case !(o.AuditRate >= 0 && o.AuditRate <= 1):
		return fmt.Errorf("--audit-rate %v: must be from 0 to 1", o.AuditRate)
	case !(o.MaxFalseHits >= 0 && o.MaxFalseHits < 0.5):
		return fmt.Errorf("--max-false-hits %v: must be at least 0 and below 0.5", o.MaxFalseHits)
	case o.Provisional && o.OutcomesTopic == "":
		return errors.New("--provisional: provisional answers go to a topic: name it with --outcomes-topic")
	case o.Provisional && o.Runner == RunnerFlink:
		return errors.New("--provisional: only on prism so far: leave it out, or leave out --runner flink")
	case o.FullTimeout < 0:
		return fmt.Errorf("--full-timeout %v: must not be negative", o.FullTimeout)
	case o.SimilarFrames < 0 || o.SimilarFrames > math.MaxUint16:
		return fmt.Errorf("--similar-frames %d: must lie in 1 … %d", o.SimilarFrames, math.MaxUint16)
	case o.SimilarFor < 0 || o.SimilarFor > 0 && o.SimilarFor < time.Millisecond:
		return fmt.Errorf("--similar-for %v: must be at least 1ms", o.SimilarFor)
	case o.MaxFalseHits > 0 && (o.Policy == PolicySmall || o.Policy == PolicyFull):
		return fmt.Errorf("--max-false-hits: has no effect with --policy %s: leave one of them out", o.Policy)
	}
	if err := o.Provider.Validate(); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if err := o.checkCache(); err != nil {
		return err
	}
	return checkOffset(o.Offset)
}

// checkOffset checks what was given as --offset.
func checkOffset(offset string) error {
	if offset == "" || offset == oldest || offset == newest {
		return nil
	}
	if n, err := strconv.ParseInt(offset, 10, 64); err != nil || n < 0 {
		return errors.New("--offset " + strconv.Quote(offset) + ": must be oldest, newest or a number")
	}
	return nil
}
