package kafkaio

import (
	"math"
	"time"
)

const (
	waitBuckets = 41 // √2 apart, from 1 ms to about a quarter of an hour, and one for what is longer
	firstWait   = time.Millisecond
)

// Waits counts times in buckets. The zero value is empty.
type Waits struct {
	Buckets [waitBuckets]int64 // times up to the bound of the bucket, see Bound, and above the one before
	Sum     time.Duration
}

// Bound is the upper bound of a bucket but the last, which has none.
func (w *Waits) Bound(bucket int) time.Duration {
	return time.Duration(float64(firstWait) * math.Pow(2, float64(bucket)/2))
}

// Count is how many times were counted.
func (w *Waits) Count() (n int64) {
	for _, b := range w.Buckets {
		n += b
	}
	return n
}

func (w *Waits) add(d time.Duration) {
	at := 0
	for at < waitBuckets-1 && d > w.Bound(at) {
		at++
	}
	w.Buckets[at]++
	w.Sum += d
}

// Quantile returns the bound of the bucket that holds the quantile q, 0 to 1: at most 41 % too much. It is 0 where nothing was
// counted.
func (w *Waits) Quantile(q float64) time.Duration {
	rank := max(1, int64(math.Ceil(q*float64(w.Count()))))
	for at, n := range w.Buckets {
		if rank -= n; rank <= 0 {
			return w.Bound(at)
		}
	}
	return 0
}

func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*10) / 10
}
