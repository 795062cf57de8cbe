package session

import (
	"context"

	"github.com/cachenet/cachenet/schemas"
)

// Announcer sends outcomes that are not settled yet to those who cannot wait. Its calls may be concurrent.
type Announcer func(ctx context.Context, rows []schemas.Outcome) error

const announcerPart = "session.Announcer"

// AnnounceWith gives the job an announcer. Call it before the job starts.
func AnnounceWith(job *Session, a Announcer) error {
	_, err := Part(job, announcerPart, func() (Announcer, error) { return a, nil })
	return err
}

// Announce sends outcomes that are not settled yet; nothing where the job has no announcer in this process.
func (s *Session) Announce(ctx context.Context, rows []schemas.Outcome) error {
	a, ok := Get[Announcer](s, announcerPart)
	if !ok || len(rows) == 0 {
		return nil
	}
	return a(ctx, rows)
}
