package session

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/cachenet/cachenet/schemas"
)

// ErrClosed says that the job has ended and takes nothing more.
var ErrClosed = errors.New("the job has ended")

// process is this process in the ids that it issues. Lower case, since runners may fold the names of jobs.
var process = strings.ToLower(rand.Text()[:10])

// registry is the only one that finds something by the id of a job.
var registry = struct {
	sync.Mutex
	issued   int
	sessions map[string]*Session
}{sessions: map[string]*Session{}}

// Open issues a new job id, which begins with name, and opens its session. The session has room for credit bytes of
// frames between source and sink, FrameCost included (0: unlimited).
func Open(name string, credit int64) *Session {
	registry.Lock()
	defer registry.Unlock()
	registry.issued++
	return register(fmt.Sprintf("%s-%s-%d", name, process, registry.issued), credit)
}

// Find returns the session of the job id: the open one, or one without credit where another process issued the id.
// For a job of this process that has ended it returns an [ErrClosed].
func Find(id string) (*Session, error) {
	registry.Lock()
	defer registry.Unlock()
	if s := registry.sessions[id]; s != nil {
		return s, nil
	}
	if issuedHere(id) {
		return nil, fmt.Errorf("job %s: %w", id, ErrClosed)
	}
	return register(id, 0), nil
}

// register expects that the registry is locked.
func register(id string, credit int64) *Session {
	s := &Session{id: id, credit: credit, slots: map[string]*slot{}, closed: make(chan struct{}), durable: map[place]schemas.Offsets{}}
	registry.sessions[id] = s
	return s
}

func forget(s *Session) {
	registry.Lock()
	defer registry.Unlock()
	if registry.sessions[s.id] == s {
		delete(registry.sessions, s.id)
	}
}

// issuedHere reports whether this process issued the id.
func issuedHere(id string) bool {
	cut := strings.LastIndexByte(id, '-')
	return cut >= 0 && strings.HasSuffix(id[:cut], "-"+process)
}
