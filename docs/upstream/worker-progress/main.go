// Command worker-progress shows that a worker of Beam's Go SDK (2.77) begins no bundle while another one is in its
// FinishBundle and prism has asked how far that one is. Here a bundle ends with 3 s of work, and an element of another
// stage is ready 0.5 s after that began: it is processed 2.5 s later.
//
//	go run ./docs/upstream/worker-progress
//
// DataSource.FinishBundle (core/runtime/exec/datasource.go) keeps its lock until FinishBundle of all transforms behind it has
// returned; Progress waits for that lock; and the loop that reads the worker's control stream (core/runtime/harness/harness.go,
// MainWithOptions) answers requests for progress itself, so that it reads no other request meanwhile. Two lines
// mend it, here for FinishBundle:
//
//	n.mu.Lock()
//	n.source = nil
//	n.splitIdx = 0
//	n.mu.Unlock()
//	return n.Out.FinishBundle(ctx)
//
// With them it is processed 0.1 s later. Until they are upstream, pipelines/control.go answers these requests before the worker sees them.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
)

const (
	work  = 3 * time.Second
	ready = 500 * time.Millisecond // prism asks every 100 ms
)

var (
	begun = make(chan struct{}) // the bundle that lasts is in its FinishBundle
	sent  time.Time             // when the other stage's element was ready
)

type lasting struct{}

func (*lasting) ProcessElement([]byte) {}

func (*lasting) FinishBundle(context.Context) {
	close(begun)
	time.Sleep(work)
}

func prepare(b []byte, emit func([]byte)) {
	<-begun
	time.Sleep(ready)
	sent = time.Now()
	emit(b)
}

func other([]byte) {
	fmt.Printf("processed %v after it was ready, while another bundle worked for %v\n", time.Since(sent).Round(10*time.Millisecond), work)
}

func init() {
	register.DoFn1x0[[]byte](&lasting{})
	register.Function2x0(prepare)
	register.Function1x0(other)
	register.Emitter1[[]byte]()
}

func main() {
	beam.Init()
	p, s := beam.NewPipelineWithRoot()
	beam.ParDo0(s, &lasting{}, beam.Impulse(s))
	beam.ParDo0(s, other, beam.Reshuffle(s, beam.ParDo(s, prepare, beam.Impulse(s))))
	if _, err := prism.Execute(context.Background(), p); err != nil {
		log.Fatal(err)
	}
}
