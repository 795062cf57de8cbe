// Command prism-spin shows that prism (Beam 2.77) spends a core on waiting: a stage without an output whose one element
// takes 3 s costs up to 3 s of processor time, the same stage with an output that nothing is put into costs none.
//
//	go run ./docs/upstream/prism-spin
//
// The select in stage.Execute (runners/prism/internal/stage.go) waits for a bundle's data and for its response. The channel
// that says "all data is there" stays closed, so from then on the select returns at once until the response comes. One
// line after the channel's first read mends it:
//
//	case <-dataReady:
//		dataFinished = true
//		dataReady = nil // closed: it would be chosen again at once
//
// With it both stages cost 10 to 20 ms. Until it is upstream, pipelines/prism.go gives every sink an empty output (fence), and
// pipelines/response.go sends the end of the data after the response.
package main

import (
	"context"
	"fmt"
	"log"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
)

const work = 3 * time.Second

func sink([]byte) { time.Sleep(work) }

func sinkWithOutput(_ []byte, _ func([]byte)) { time.Sleep(work) }

func init() {
	register.Function1x0(sink)
	register.Function2x0(sinkWithOutput)
	register.Emitter1[[]byte]()
}

func main() {
	beam.Init()
	for _, c := range []struct {
		name  string
		build func(beam.Scope)
	}{
		{"without an output", func(s beam.Scope) { beam.ParDo0(s, sink, beam.Impulse(s)) }},
		{"with an empty output that another stage reads", func(s beam.Scope) {
			beam.Flatten(s, beam.ParDo(s, sinkWithOutput, beam.Impulse(s)), beam.ParDo(s, sinkWithOutput, beam.Impulse(s)))
		}},
	} {
		p := beam.NewPipeline()
		c.build(p.Root())
		before := processor()
		if _, err := prism.Execute(context.Background(), p); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("a stage %s: %v of processor time for %v of waiting\n", c.name, (processor() - before).Round(10*time.Millisecond), work)
	}
}

// processor is the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
