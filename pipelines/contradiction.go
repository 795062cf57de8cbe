package pipelines

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/cachenet/cachenet/models/policy"
)

// maxBranches is how many branches prism starts within seconds; a few for each processor are enough.
const maxBranches = 512

// validate returns what the options lack for a run, or what contradicts in them.
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
	}
	return o.Contradiction()
}

// Contradiction returns the first thing that is wrong with the options by themselves, whatever the pack and the brokers say.
func (o Options) Contradiction() error {
	return cmp.Or(o.checkTopics(), o.checkPolicy(), o.checkRunner(), o.checkServer(), o.checkTrust(), o.checkCache(), checkOffset(o.Offset))
}

// checkTopics refuses topics that would feed a run its own output.
func (o Options) checkTopics() error {
	switch {
	case o.OutcomesTopic != "" && o.OutcomesTopic == o.Topic:
		return fmt.Errorf("--outcomes-topic %s: is the topic with the frames: outcomes would be read as frames, without end; choose another one", o.Topic)
	case o.DeadLetterTopic != "" && o.DeadLetterTopic == o.Topic:
		return fmt.Errorf("--dead-letter-topic %s: is the topic with the frames: dead letters would be read as frames, without end; choose another one", o.Topic)
	case o.DeadLetterTopic != "" && o.DeadLetterTopic == o.OutcomesTopic:
		return fmt.Errorf("--dead-letter-topic %s: is the outcomes topic: outcomes would be redelivered as frames; choose another one", o.DeadLetterTopic)
	}
	return nil
}

func (o Options) checkPolicy() error {
	switch {
	case !slices.Contains([]string{PolicyPack, PolicyPaper, PolicyFull, PolicySmall}, o.Policy):
		return fmt.Errorf("--policy %q: must be paper, full or small, or omitted", o.Policy)
	case !slices.Contains([]string{FullAsPack, FullTransform, FullInline}, o.Full):
		return fmt.Errorf("--full %q: must be transform or inline", o.Full)
	case o.PolicyFile != "" && (o.Policy != PolicyPack || o.Full != FullAsPack || o.Guard):
		return errors.New("--policy-file: is the whole policy: leave --policy, --full and --guard out")
	case o.Guard && o.Policy != PolicyPack:
		return fmt.Errorf("--guard: policy %s has no guard: leave --policy out", o.Policy)
	}
	if _, err := (policy.Settings{}).With(o.Set); err != nil { // the names and types, which no pack changes
		return fmt.Errorf("--set %w", err)
	}
	return nil
}

func (o Options) checkRunner() error {
	flink := o.Runner == RunnerFlink
	switch {
	case !slices.Contains([]string{"", RunnerPrism, RunnerDirect, RunnerFlink}, o.Runner):
		return fmt.Errorf("--runner %q: must be prism, direct (the same) or flink", o.Runner)
	case flink && o.Server != nil:
		return errors.New("--runner flink: a device keeps the frames that wait for its server in its own process: leave it out")
	case flink && o.Share:
		return errors.New("--share: flink distributes the partitions itself: leave it out, or leave out --runner flink")
	case flink && o.Provisional:
		return errors.New("--provisional: only on prism so far: leave it out, or leave out --runner flink")
	case !flink && o.Parallelism > maxBranches:
		return fmt.Errorf("--parallelism %d: must be at most %d on prism, which takes time to start for each", o.Parallelism, maxBranches)
	case o.ModelMemory < 0:
		return fmt.Errorf("--model-memory %d: must not be negative", o.ModelMemory)
	}
	if err := o.Provider.Validate(); err != nil {
		return fmt.Errorf("--%w", err)
	}
	return nil
}

func (o Options) checkServer() error {
	if o.Server == nil {
		return nil
	}
	return o.Server.contradiction(o)
}

// checkTrust checks audits, provisional answers and repeated answers.
func (o Options) checkTrust() error {
	switch {
	case !(o.AuditRate >= 0 && o.AuditRate <= 1):
		return fmt.Errorf("--audit-rate %v: must be from 0 to 1", o.AuditRate)
	case !(o.MaxFalseHits >= 0 && o.MaxFalseHits < 0.5):
		return fmt.Errorf("--max-false-hits %v: must be at least 0 and below 0.5", o.MaxFalseHits)
	case o.MaxFalseHits > 0 && (o.Policy == PolicySmall || o.Policy == PolicyFull):
		return fmt.Errorf("--max-false-hits: has no effect with --policy %s: leave one of them out", o.Policy)
	case o.Provisional && o.OutcomesTopic == "":
		return errors.New("--provisional: provisional answers go to a topic: name it with --outcomes-topic")
	case o.FullTimeout < 0:
		return fmt.Errorf("--full-timeout %v: must not be negative", o.FullTimeout)
	case o.SimilarFrames < 0 || o.SimilarFrames > math.MaxUint16:
		return fmt.Errorf("--similar-frames %d: must be 1 to %d", o.SimilarFrames, math.MaxUint16)
	case o.SimilarFor < 0 || o.SimilarFor > 0 && o.SimilarFor < time.Millisecond:
		return fmt.Errorf("--similar-for %v: must be at least 1ms", o.SimilarFor)
	}
	return nil
}

// checkOffset checks what was given as --offset.
func checkOffset(offset string) error {
	if offset == "" || offset == oldest || offset == newest {
		return nil
	}
	if n, err := strconv.ParseInt(offset, 10, 64); err != nil || n < 0 {
		return fmt.Errorf("--offset %q: must be oldest, newest or a number", offset)
	}
	return nil
}
