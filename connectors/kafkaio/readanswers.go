package kafkaio

import (
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/graph/mtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/sdf"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/rtrackers/offsetrange"

	"github.com/cachenet/cachenet/schemas"
)

// answers emits what the uplink has received, a run for each stream. Its restriction is of no topic: offsets count the answers.
// It ends when no frame is left that could need one, or when the job has drained for long enough.
func (fn *readFn) answers(rt *sdf.LockRTracker, emit func(beam.EventTime, string, schemas.Run)) (sdf.ProcessContinuation, error) {
	if fn.silent {
		fn.source.awaitAnswers()
	}
	rest, up := rt.GetRestriction().(offsetrange.Restriction), fn.source.uplink
	if n := up.ready(time.Now()); n > 0 {
		if !rt.TryClaim(rest.Start + int64(n) - 1) {
			return sdf.StopProcessing(), nil
		}
		fn.silent = false
		at := mtime.FromTime(time.Now())
		for _, run := range ofStreams(up.take(n)) {
			emit(at, run[0].Row.Stream, fn.job.Hold(schemas.Run{Answers: run}))
		}
		return sdf.ResumeProcessingIn(0), nil
	}
	if fn.source.settled() {
		rt.TryClaim(rest.End)
		return sdf.StopProcessing(), nil
	}
	return sdf.ResumeProcessingIn(0), nil
}

// ofStreams groups answers by stream, in the order in which they came.
func ofStreams(answers []schemas.Answer) (runs [][]schemas.Answer) {
	place := map[string]int{}
	for _, a := range answers {
		i, ok := place[a.Row.Stream]
		if !ok {
			i = len(runs)
			place[a.Row.Stream] = i
			runs = append(runs, nil)
		}
		runs[i] = append(runs[i], a)
	}
	return runs
}

// answered reports whether the uplink has received something.
func (s *source) answered() bool { return s.uplink != nil && s.uplink.ready(time.Now()) > 0 }

// answers is signalled when it has; nil where there is no uplink.
func (s *source) answers() <-chan struct{} {
	if s.uplink == nil {
		return nil
	}
	return s.uplink.news
}

// awaitAnswers is await for a bundle of answers alone: it waits while the job drains too.
func (s *source) awaitAnswers() {
	if !s.allRead() {
		s.await()
		return
	}
	end := time.NewTimer(awaitLongest)
	defer end.Stop()
	look := time.NewTicker(awaitLook) // that the last row is written is not signalled
	defer look.Stop()
	for !s.answered() && !s.settled() {
		select {
		case <-s.uplink.news:
		case <-look.C:
		case <-end.C:
			return
		}
	}
}

// allRead reports whether every span is read as far as it will be.
func (s *source) allRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ended) == len(s.cfg.Spans)
}

// settled reports whether no answer is waited for any more: every frame that was read has its row, or the job has drained
// for so long that the next one shall ask again.
func (s *source) settled() bool {
	if !s.allRead() {
		return false
	}
	read, written := s.job.Counts()
	return read == written || s.job.DrainingFor() >= s.uplink.cfg.Drain
}
