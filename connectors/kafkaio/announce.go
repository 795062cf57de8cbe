package kafkaio

import (
	"context"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// Announce lets the job send provisional outcomes to the topic at once, before the settled ones of the same frames: their
// ce_id ends with "/provisional", their ce_type is cachenet.outcome.provisional.v1. Call it before the job starts.
func Announce(job *session.Session, cfg WriteConfig) error {
	w, err := cfg.open()
	if err != nil {
		return err
	}
	return session.AnnounceWith(job, func(ctx context.Context, rows []schemas.Outcome) error {
		messages, err := outcomeMessages(nil, rows)
		if err != nil {
			return err
		}
		return w.write(ctx, messages)
	})
}
