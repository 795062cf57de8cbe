// Command cachenet-chaos checks that a run loses no frame and duplicates none: it kills `cachenet run`, or a device and its
// server whose link it also cuts, at random moments while frames are produced, lets it finish, and compares what the topic
// holds with the rows. make chaos and make chaos-edge run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
)

// trial is one such check.
type trial struct {
	binary  string
	pack    string
	images  string
	real    bool
	kills   int
	streams int
	rate    int // frames/s of all streams
	pause   time.Duration
	seed    uint64
	edge    bool
	outage  time.Duration // with edge: of the one long cut of the link; 0: none

	dir     string
	cluster kafkaio.Cluster

	// With edge:
	server  string          // address of the server's broker
	wire    *kafkatest.Wire // between the device and that broker
	cutting sync.Mutex
	cuts    int
	left    func() error // server and link are left alone from now on
}

func main() {
	var t trial
	flag.StringVar(&t.binary, "binary", "bin/cachenet", "the program to kill")
	flag.StringVar(&t.pack, "pack", "testdata/colours", "folder of the pack")
	flag.StringVar(&t.images, "images", "testdata/images", "image folder to produce from")
	flag.BoolVar(&t.real, "kafka", false, "on a real Apache Kafka instead of the embedded broker")
	flag.IntVar(&t.kills, "kills", 100, "how often to kill")
	flag.IntVar(&t.streams, "streams", 24, "streams")
	flag.IntVar(&t.rate, "rate", 500, "frames per second produced, all streams together")
	flag.DurationVar(&t.pause, "pause", 2500*time.Millisecond, "longest time from a start to the kill")
	flag.Uint64Var(&t.seed, "seed", 1, "of the moments")
	flag.BoolVar(&t.edge, "edge", false, "kill a device and its server (cachenet edge, cachenet serve), and cut the link between them")
	flag.DurationVar(&t.outage, "outage", 20*time.Second, "with -edge: length of one cut that the device lives through; 0: none")
	flag.Parse()
	if err := t.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "cachenet-chaos:", err)
		os.Exit(1)
	}
}

func (t *trial) run(ctx context.Context) (err error) {
	if t.dir, err = os.MkdirTemp("", "cachenet-chaos"); err != nil {
		return err
	}
	b, err := t.broker()
	if err != nil {
		return err
	}
	if err := b.Start(); err != nil {
		return err
	}
	torture := t.torture
	if t.edge {
		torture = t.tortureEdge
	}
	result, err := torture(ctx, b.Addr())
	if stopped := b.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return fmt.Errorf("%w (everything is kept in %s)", err, t.dir)
	}
	fmt.Println(result)
	if !result.right() {
		return fmt.Errorf("not every frame has exactly one row: everything is kept in %s", t.dir)
	}
	return os.RemoveAll(t.dir)
}

func (t *trial) broker() (kafkatest.Broker, error) {
	dir := filepath.Join(t.dir, "broker")
	if t.real {
		return kafkatest.NewKafka(dir, 0)
	}
	return newProcess(t.binary, dir)
}

// torture kills the pipeline as often as asked, then lets it finish.
func (t *trial) torture(ctx context.Context, addr string) (verdict, error) {
	t.cluster = kafkaio.Cluster{Brokers: []string{addr}}
	p, err := t.startProducer(ctx)
	if err != nil {
		return verdict{}, err
	}
	random := rand.New(rand.NewPCG(t.seed, 0))
	start := time.Now()
	for kill := range t.kills {
		age := time.Duration(random.Int64N(int64(t.pause)))
		survive := t.runAndKill
		if t.edge && t.outage > 0 && kill == t.kills/2 {
			survive = t.sitOut
		}
		if err := survive(ctx, age); err != nil {
			return verdict{}, fmt.Errorf("run %d: %w", kill, err)
		}
		if (kill+1)%10 == 0 {
			fmt.Fprintf(os.Stderr, "%d kills after %.0f s, %d frames produced\n", kill+1, time.Since(start).Seconds(), p.sent.Load())
		}
	}
	if err := p.stop(); err != nil {
		return verdict{}, err
	}
	if t.edge {
		if err := t.left(); err != nil {
			return verdict{}, err
		}
	}
	if err := t.finish(ctx); err != nil {
		return verdict{}, err
	}
	return t.judge(ctx, p.sent.Load())
}
