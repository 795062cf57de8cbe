package kafkaio

import (
	"log/slog"
	"sync"
	"time"
)

// interruption tells once of an outage that every partition of a topic notices, and once that it is over. Its methods may be
// called concurrently.
type interruption struct {
	mu    sync.Mutex
	away  int // partitions that cannot be read
	since time.Time
}

// began counts a partition that cannot be read; attributes are for the log.
func (i *interruption) began(attributes ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away++; i.away == 1 {
		i.since = time.Now()
		slog.Warn("reading is interrupted; retrying", attributes...)
	}
}

// ended removes a partition: it is read again, or no longer read at all.
func (i *interruption) ended(read bool, topic string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away--; i.away == 0 && read {
		slog.Warn("reading continues", "topic", topic, "after", time.Since(i.since).Round(time.Millisecond))
	}
}
