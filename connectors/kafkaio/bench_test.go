package kafkaio

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

// BenchmarkDecode makes frames of records with the headers that cachenet produce sends. A frame costs the allocation of its
// key and of its label, which outlive the fetch; the image is not copied.
func BenchmarkDecode(b *testing.B) {
	image := append([]byte{0xff, 0xd8, 0xff}, make([]byte, 3000)...)
	for name, headers := range map[string][]kafka.Header{
		"bare": nil,
		"labelled": {
			{Key: schemas.HeaderContentType, Value: []byte(schemas.JPEG)}, {Key: schemas.HeaderLabel, Value: []byte("disc-striped")},
			{Key: schemas.HeaderSequence, Value: []byte("1234")},
		},
	} {
		b.Run(name, func(b *testing.B) {
			r := record{offset: 7, time: time.Unix(1_700_000_000, 0), key: []byte("stream-00001"), value: image, size: len(image), headers: headers}
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				if f := decode(r, 1<<20, now); f.Fault != "" {
					b.Fatal(f.Fault)
				}
			}
		})
	}
}

// BenchmarkQueue passes a fetch of 64 frames to the pipeline and puts them into runs of 16 of a stream: one list of frames a
// fetch, and those of the runs, which grow as frames come: 0.4 allocations a frame. One list for all runs of a bundle would
// keep its frames in memory until the last of them is answered.
func BenchmarkQueue(b *testing.B) {
	frames := streamFrames(4, 0, 16)
	q, taken := newQueue(0, 1<<30, math.MaxInt, make(chan struct{}, 1)), make([]schemas.Frame, 0, len(frames))
	b.ReportAllocs()
	for b.Loop() {
		q.push(frames, 0)
		for taken = taken[:0]; q.waiting(); q.pop() {
			f, _, _ := q.peek()
			taken = append(taken, f)
		}
		if n := len(group(taken, 16)); n != 4 {
			b.Fatalf("%d runs", n)
		}
	}
}

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
