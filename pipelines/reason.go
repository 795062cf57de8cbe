package pipelines

import (
	"context"
	"errors"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// reason says why a job ended. It is an error, so that it can be the cause for which a context ends.
type reason string

const (
	reasonDone        reason = "done"
	reasonStopped     reason = "stopped"
	reasonGrown       reason = "grown"
	reasonRenewed     reason = "renewed"
	reasonReloaded    reason = "reloaded"
	reasonReassigned  reason = "reassigned"
	reasonLost        reason = "lost"
	reasonUnavailable reason = "unavailable"
	reasonFailed      reason = "failed"
)

// Error implements error.
func (r reason) Error() string { return "the job is " + string(r) }

// next says what follows the end of a job.
type next string

const (
	nextFinish next = "the run succeeds"
	nextFail   next = "the run ends with the error"
	nextResume next = "the next job continues from the files"
	nextAwait  next = "the next assignment of the group"
)

// step is one row of the table: when a job ends for a reason, and what follows.
type step struct {
	when string
	next next
}

// steps is the table. ARCHITECTURE.md shows it, and a test compares the two.
var steps = map[reason]step{
	reasonDone:        {"every requested frame has its row", nextFinish},
	reasonStopped:     {"a signal, or the end of the caller's context; the job drained", nextFinish},
	reasonGrown:       {"the topic gained partitions; the job drained", nextResume},
	reasonRenewed:     {"the job reached its runner's maximum age; it drained", nextResume},
	reasonReloaded:    {"the pack's folder holds another version; the job drained", nextResume},
	reasonReassigned:  {"the group gave partitions to other members; the job drained or was lost", nextAwait},
	reasonLost:        {"the runner lost the job; up to 5 times in a row without a new row", nextResume},
	reasonUnavailable: {"Kafka did not respond for 10 minutes, or when the run started", nextFail},
	reasonFailed:      {"anything else, or lost while stopping or too often", nextFail},
}

// errLost is the error of a job that prism lost through no fault of the job: where a bundle that prism carries out
// itself, a Flatten's, waits 100 ms for a processor, prism 2.77 asks a worker for its progress that is not there, and
// crashes on a nil pointer (internal/stage.go, Execute). A graph without Flatten costs twice the processor time.
var errLost = errors.New("prism lost the job: the machine is too busy")

// lostInARow is how often in a row a job may be lost without a new row.
const lostInARow = 5

// why finds the reason for the end of a job: err is what the runner said, closing what went wrong when its session was
// closed, cause why its context ended (nil: it did not).
func why(err, closing, cause error) reason {
	var asked reason
	if cause != nil && !errors.As(cause, &asked) {
		asked = reasonStopped
	}
	if closing != nil && !asked.goesOn() && !errors.Is(err, errLost) || !passes(closing) {
		return reasonFailed
	}
	switch {
	case err == nil && asked == "":
		return reasonDone
	case err == nil, asked != "" && errors.Is(err, context.Canceled):
		return asked
	case asked == reasonReassigned && (errors.Is(err, errLost) || errors.Is(err, kafkaio.ErrUnavailable)):
		return reasonReassigned // their next owner goes on from the files
	case asked != reasonStopped && errors.Is(err, errLost):
		return reasonLost
	case errors.Is(err, kafkaio.ErrUnavailable):
		return reasonUnavailable
	}
	return reasonFailed
}

// goesOn reports whether the end of a job for this reason is not that of the run.
func (r reason) goesOn() bool { return steps[r].next == nextResume || steps[r].next == nextAwait }

// passes reports whether nothing is in err, which closing a session returned, but that Kafka does not answer. The last
// commit of offsets is all that it is asked for then, and the next job commits them too.
func passes(err error) bool {
	if err == nil {
		return true
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return false
	}
	for _, e := range joined.Unwrap() {
		if !errors.Is(e, kafkaio.ErrUnavailable) {
			return false
		}
	}
	return true
}
