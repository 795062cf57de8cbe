package kafkaio

import "testing"

func TestPartitionsShareWhatIsReadAhead(t *testing.T) {
	for _, c := range []struct {
		partitions   int
		queue, fetch int64
	}{
		{0, 2 << 20, 1 << 20}, {1, 2 << 20, 1 << 20}, {32, 2 << 20, 1 << 20},
		{64, 1 << 20, 1 << 19}, {256, 1 << 18, 1 << 17}, {4096, 1 << 18, 1 << 17},
	} {
		got := ReadConfig{Spans: make([]Span, c.partitions)}.withDefaults()
		if got.QueueBytes != c.queue || got.FetchBytes != c.fetch {
			t.Errorf("%d partitions: %d and %d bytes, want %d and %d", c.partitions, got.QueueBytes, got.FetchBytes, c.queue, c.fetch)
		}
	}
	set := ReadConfig{QueueBytes: 1000, FetchBytes: 900}.withDefaults()
	if set.QueueBytes != 1000 || set.FetchBytes != 900 {
		t.Errorf("explicit settings became %d and %d", set.QueueBytes, set.FetchBytes)
	}
}
