package kafkaio

import (
	"fmt"
	"testing"
)

// BenchmarkRead reads frames of 3 KB, 24 streams in 8 partitions, into a stateful sink on prism.
func BenchmarkRead(b *testing.B) {
	const streams, each = 24, 800
	for _, credit := range []int64{1 << 20, 8 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("credit=%dMiB", credit>>20), func(b *testing.B) {
			_, c := startBroker(b, 8)
			frames := streamFrames(streams, 0, each)
			for i := range frames {
				frames[i].Image = make([]byte, 3000)
			}
			publish(b, c, frames)
			b.SetBytes(streams * each * 3000)
			for b.Loop() {
				j := startJob(b, ReadConfig{Cluster: c, Topic: "frames", Spans: allSpans(b, c, false)}, credit, nil)
				if n := len(j.mustEnd(b)); n != streams*each {
					b.Fatalf("%d frames", n)
				}
			}
			b.ReportMetric(float64(b.N*streams*each)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
