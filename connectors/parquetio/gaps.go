package parquetio

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/cachenet/cachenet/connectors/session"
)

// Gaps says which offsets have no row and never will.
type Gaps struct {
	Lost     Durable `json:"lost,omitempty"`     // retention deleted the frame before it was read
	Empty    Durable `json:"empty,omitempty"`    // there never was a frame: transaction markers, compacted records
	Unwanted Durable `json:"unwanted,omitempty"` // before the offset where the first run was to start
}

func noGaps() Gaps { return Gaps{Lost: Durable{}, Empty: Durable{}, Unwanted: Durable{}} }

func (g Gaps) union(other Gaps) {
	g.Lost.union(other.Lost)
	g.Empty.union(other.Empty)
	g.Unwanted.union(other.Unwanted)
}

// ReadGaps returns the gaps that the runs into the data set at dir have met; none where there is no data set.
func ReadGaps(dir string) (Gaps, error) {
	all := noGaps()
	if err := readNotes(gapsFolder(dir), "", all.union); err != nil {
		return all, fmt.Errorf("read gaps: %w: move the file away or restore it", err)
	}
	return all, nil
}

func gapsFolder(dir string) string { return filepath.Join(privateFolder(dir), "gaps") }

// GapLog stores the gaps that one job finds with its data set. Lost frames are on disk at once; the rest at the
// latest when it is closed, as another run would find it again.
type GapLog struct {
	dir, path string

	mu      sync.Mutex
	met     Gaps
	unsaved bool
}

// OpenGapLog records the gaps in topics that the job's session reports, with the data set at dir. It is closed
// with the session.
func OpenGapLog(dir string, job *session.Session) (*GapLog, error) {
	l := &GapLog{dir: dir, path: filepath.Join(gapsFolder(dir), rand.Text()[:10]+".json"), met: noGaps()}
	job.OnLost(func(lost session.Lost) {
		met := noGaps()
		met.Lost.addRange(lost.Topic, lost.Partition, lost.From, lost.To)
		if err := l.Note(met); err != nil { // Close tries again
			slog.Error("a gap could not be stored with the outcomes", "dir", dir, "error", err)
		}
	})
	job.OnDurable(func(d session.Durable) {
		if d.Empty {
			l.add(Gaps{Empty: Durable{d.Topic: {d.Partition: d.Offsets}}})
		}
	})
	return session.Part(job, "parquetio.GapLog", func() (*GapLog, error) { return l, nil })
}

// Note keeps gaps; they are on disk when it returns nil.
func (l *GapLog) Note(met Gaps) error {
	l.add(met)
	return l.Close()
}

func (l *GapLog) add(met Gaps) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.met.union(met)
	l.unsaved = l.unsaved || met.Lost.any() || met.Empty.any() || met.Unwanted.any()
}

// Close writes what is not on disk yet.
func (l *GapLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.unsaved {
		return nil
	}
	text, err := json.Marshal(l.met)
	if err == nil {
		err = place(l.dir, l.path, text)
	}
	if err != nil {
		return fmt.Errorf("write gaps: %w", err)
	}
	l.unsaved = false
	return nil
}
