package video

import (
	"testing"

	"go.uber.org/goleak"
)

// No goroutine outlives the cameras that it served.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
