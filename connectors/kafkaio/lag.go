package kafkaio

import "github.com/cachenet/cachenet/connectors/session"

// Lag is how many offsets of the topic the job has still to go in this process: what its fetchers have not handed out yet,
// and what is between source and sink. The end of each partition is that of its last fetch. It is false where the job
// does not read here.
func Lag(job *session.Session, topic string) (offsets int64, ok bool) {
	s, ok := session.Get[*source](job, "kafkaio.Read "+topic)
	if !ok {
		return 0, false
	}
	read, written := job.Counts()
	offsets = max(read-written, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.fetchers {
		taken, _, _ := f.queue.state()
		offsets += max(min(f.end.Load(), f.span.To)-taken, 0)
	}
	return offsets, true
}
