package picture

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// maxPixels caps the declared size of a picture before anything is allocated for it.
const maxPixels = 64 << 20

// Passes over a progressive JPEG: encoders write about 10, a hostile file holds thousands, and each costs time for
// every pixel.
const (
	maxScans      = 100
	maxScanPixels = 16 * maxPixels // scans times pixels
)

// Memory for decoding at any one time. What needs less than small is not counted: a few hundred bytes may declare a
// picture that takes hundreds of megabytes, and many of those at once would end the process.
const (
	budget = 256 << 20
	small  = 4 << 20
)

var memory = semaphore.NewWeighted(budget)

// reserve waits until need bytes are left of the budget, or all of it for a picture that needs more than that, and
// returns what gives them back.
func reserve(need int64) (release func()) {
	if need < small {
		return func() {}
	}
	need = min(need, budget)
	// without a context to end it, waiting cannot fail
	_ = memory.Acquire(context.Background(), need)
	return func() { memory.Release(need) }
}
