package transforms

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// A drift is a warning only where a limit on false hits was set: without one nobody asked to be told.
func TestADriftIsAWarningWithALimit(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	for _, c := range []struct {
		limit       float32
		event, want string
	}{
		{0.02, schemas.TrustDrift, "level=WARN"},
		{0, schemas.TrustDrift, "level=INFO"},
		{0.02, schemas.TrustReturn, "level=INFO"},
		{0.02, "load", ""},
		{0, "", ""},
	} {
		log.Reset()
		w := walk{nets: &nets{policy: &policy.Policy{Settings: policy.Settings{MaxFalseHits: c.limit}}}}
		w.tell(&schemas.Outcome{Stream: "door", CacheEvent: c.event})
		if got := log.String(); !strings.HasPrefix(got[max(0, strings.Index(got, "level=")):], c.want) || (c.want == "") != (got == "") {
			t.Errorf("limit %v, event %q: logged %q, want %q", c.limit, c.event, got, c.want)
		}
	}
}
