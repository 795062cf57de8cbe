package kafkaio

import (
	"testing"
	"testing/synctest"

	"github.com/cachenet/cachenet/schemas"
)

func TestPartitionsShareWhatIsReadAhead(t *testing.T) {
	for _, c := range []struct {
		partitions   int
		queue, fetch int64
		frames       int
	}{
		{0, 2 << 20, 1 << 20, 4096}, {1, 2 << 20, 1 << 20, 4096}, {32, 2 << 20, 1 << 20, 128},
		{64, 1 << 20, 1 << 19, 64}, {256, 1 << 18, 1 << 17, 64}, {4096, 1 << 18, 1 << 17, 64},
	} {
		got := ReadConfig{Spans: make([]Span, c.partitions)}.withDefaults()
		if got.QueueBytes != c.queue || got.FetchBytes != c.fetch || got.QueueFrames != c.frames {
			t.Errorf("%d partitions: %d and %d bytes, %d frames; want %d, %d and %d", c.partitions, got.QueueBytes, got.FetchBytes, got.QueueFrames, c.queue, c.fetch, c.frames)
		}
	}
	set := ReadConfig{QueueBytes: 1000, FetchBytes: 900, QueueFrames: 7}.withDefaults()
	if set.QueueBytes != 1000 || set.FetchBytes != 900 || set.QueueFrames != 7 {
		t.Errorf("explicit settings became %d and %d bytes, %d frames", set.QueueBytes, set.FetchBytes, set.QueueFrames)
	}
}

// A fetch asks for half of the frames that the queue takes, by the size of those before, within limits.
func TestAFetchAsksForWhatTheQueueTakes(t *testing.T) {
	for _, c := range []struct{ mean, want int64 }{
		{0, 1 << 20}, {1, 64 << 10}, {1000, 128_000}, {4000, 512_000}, {50_000, 1 << 20},
	} {
		cfg := ReadConfig{FetchBytes: 1 << 20, QueueFrames: 256}
		if got := (&fetcher{cfg: &cfg, mean: c.mean}).ask(); got != c.want {
			t.Errorf("records of %d bytes: asks for %d, want %d", c.mean, got, c.want)
		}
	}
	cfg := ReadConfig{FetchBytes: 1000, QueueFrames: 256}
	if got := (&fetcher{cfg: &cfg, mean: 100}).ask(); got != 1000 {
		t.Errorf("asks for %d, more than is allowed", got)
	}
}

// A queue of many small frames has no room, however few bytes they have, until enough of them are taken.
func TestAQueueIsFullOfFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(0, 1<<20, 2, make(chan struct{}, 1))
		q.push(make([]schemas.Frame, 3), 3)
		roomy := make(chan bool)
		go func() { roomy <- q.waitRoom(t.Context()) }()
		for range 2 {
			synctest.Wait()
			select {
			case <-roomy:
				t.Fatal("there is room beside too many frames")
			default:
			}
			q.pop()
		}
		if !<-roomy {
			t.Error("no room when one frame is left")
		}
	})
}
