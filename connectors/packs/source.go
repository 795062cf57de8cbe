package packs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
)

// Defaults of a Source.
const (
	DefaultPatience = retry.Budget     // how long a link may be dead before a download fails
	DefaultStall    = 30 * time.Second // how long a connection may bring nothing before it counts as dead
)

// maxManifest is the longest manifest that is read, in bytes: 1,000 classes and as many nets fit.
const maxManifest = 16 << 20

// Source is a pack that a server offers, over HTTP or in a Kafka topic.
type Source struct {
	transport
	patience time.Duration
	stall    time.Duration
}

// SourceOptions says how long a Source is waited for. The zero value is usable.
type SourceOptions struct {
	Patience time.Duration // 0: DefaultPatience
	Stall    time.Duration // 0: DefaultStall
}

// transport is what differs between the ways to reach a pack: HTTP (http.go) and a Kafka topic (topic.go). Its methods make one attempt.
type transport interface {
	name() string         // the address of the pack
	at(sha string) string // the address of a file, for messages
	// manifest returns the manifest; nil when it still is the one with the sha256 known.
	manifest(ctx context.Context, known string) ([]byte, error)
	// open returns what follows the first have bytes of a file, or all of it.
	open(ctx context.Context, sha string, have int64) (stream, error)
}

// stream is a file from a byte on.
type stream struct {
	body io.ReadCloser
	from int64 // 0 where it begins with the start
	size int64 // of the whole file
}

func (o SourceOptions) source(t transport) *Source {
	return &Source{transport: t, patience: cmp.Or(o.Patience, DefaultPatience), stall: cmp.Or(o.Stall, DefaultStall)}
}

// IsRemote reports whether the name of a pack is the address of one that a server offers, not a folder.
func IsRemote(pack string) bool { return isURL(pack) || IsTopic(pack) }

// finalError is one that does not pass by itself, so that nothing is tried again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(format string, args ...any) error { return finalError{fmt.Errorf(format, args...)} }

func passes(err error) bool { return !errors.As(err, new(finalError)) }

// latest asks once for the manifest.
func (s *Source) latest(ctx context.Context, known string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	return s.manifest(ctx, known)
}
