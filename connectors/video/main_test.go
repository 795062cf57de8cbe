package video

import (
	"testing"

	"go.uber.org/goleak"
)

// No goroutine outlives its camera.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
