package pipelines

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/parquetio"
)

// cluster is a Flink on this machine, with Beam's job service.
type cluster struct {
	dir  string
	port int // of the job service; the next two are the cluster's
}

// newCluster starts Flink with the given number of task managers. It takes 20 s, so it has to be requested
// (make test-flink).
func newCluster(t *testing.T, taskManagers int) *cluster {
	t.Helper()
	if os.Getenv("CACHENET_TEST_FLINK") == "" {
		t.Skip("CACHENET_TEST_FLINK is not set: make test-flink runs this")
	}
	c := &cluster{dir: t.TempDir(), port: freePorts(t, 3)}
	t.Cleanup(func() { c.script(t, "stop", c.dir) })
	c.script(t, "start", c.dir, strconv.Itoa(c.port), strconv.Itoa(taskManagers))
	return c
}

// freePorts returns the first of n free ports in a row.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 50 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		held := []net.Listener{first}
		for i := 1; i < n; i++ {
			if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+i)); err == nil {
				held = append(held, l)
			}
		}
		for _, l := range held {
			_ = l.Close() // only the numbers are needed
		}
		if len(held) == n {
			return port
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}

func (c *cluster) script(t *testing.T, args ...string) {
	t.Helper()
	run := exec.Command("../scripts/flink.sh", args...)
	run.Env = append(os.Environ(), fmt.Sprintf("OWNER_PID=%d", os.Getpid())) // Flink ends even if this test is killed
	if said, err := run.CombinedOutput(); err != nil {
		t.Fatalf("flink.sh %v: %v: %s", args, err, said)
	}
}

// idle fails the test unless every job has ended.
func (c *cluster) idle(t *testing.T) {
	t.Helper()
	var overview struct {
		Jobs []struct{ Name, State string }
	}
	f := flink{rest: fmt.Sprintf("127.0.0.1:%d", c.port+2)}
	if err := f.call(t.Context(), http.MethodGet, "/jobs/overview", &overview); err != nil {
		t.Fatal(err)
	}
	if len(overview.Jobs) == 0 {
		t.Error("Flink never had a job")
	}
	for _, job := range overview.Jobs {
		if job.State != "CANCELED" {
			t.Errorf("job %s is %s after the end of its run", job.Name, job.State)
		}
	}
}

// kill ends a process of the cluster with SIGKILL.
func (c *cluster) kill(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) on(o Options, parallelism int) Options {
	o.Runner, o.Parallelism, o.Checkpoints = RunnerFlink, parallelism, time.Second
	o.Endpoint, o.FlinkREST = fmt.Sprintf("127.0.0.1:%d", c.port), fmt.Sprintf("127.0.0.1:%d", c.port+2)
	return o
}

// answer is what must not depend on the runner.
type answer struct{ Stream, Outcome, Label, Model string }

func (s *site) answers(t *testing.T, dir string) map[string]answer {
	t.Helper()
	all := map[string]answer{}
	for _, r := range s.rows(t, dir) {
		all[fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)] = answer{r.Stream, r.Outcome, r.Label, r.Model}
	}
	return all
}

func TestFlinkAndPrismGiveTheSameAnswers(t *testing.T) {
	flink := newCluster(t, 1)
	s := newSite(t, 4)
	s.fill(t, 24, 300)
	for _, full := range []string{FullTransform, FullInline} {
		local := s.options(t)
		local.Full = full
		if err := Run(t.Context(), local); err != nil {
			t.Fatal(err)
		}
		remote := flink.on(s.options(t), 2)
		remote.Full = full
		if err := Run(t.Context(), remote); err != nil {
			t.Fatal(err)
		}
		flink.idle(t)
		here, there := s.answers(t, local.Out), s.answers(t, remote.Out)
		if diff := cmp.Diff(here, there); diff != "" {
			t.Errorf("%s: prism and flink differ: %s", full, diff)
		}
		outcomes := map[string]int{}
		for a := range maps.Values(there) {
			outcomes[a.Outcome]++
		}
		t.Logf("%s: %d frames equal on both, outcomes %v", full, len(there), outcomes)
	}
}

// A stop on Flink drains as on prism, wherever the workers are, and the next run continues after it.
func TestStoppingOnFlinkDrains(t *testing.T) {
	flink := newCluster(t, 1)
	_, address := newPool(t)
	for name, pool := range map[string]string{"workers here": "", "workers in a pool": address} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 2)
			o := flink.on(s.options(t), 2)
			o.UntilEnd, o.WorkerPool = false, pool
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- Run(ctx, o) }()
			s.grow(t, o, ended, "running")
			s.fill(t, 12, 50)
			stop()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			flink.idle(t)
			before := durableCount(t, o)
			s.unbroken(t, o)
			o = s.resumed(t, o)
			t.Logf("%s: %d of %d frames were read before the stop; all have %d rows now", name, before, s.sent, len(s.rows(t, o.Out)))
		})
	}
}

// unbroken fails unless the rows of each partition cover a contiguous range from its first frame on: a job that was
// cancelled leaves holes, one that drained does not.
func (s *site) unbroken(t *testing.T, o Options) {
	t.Helper()
	durable, err := parquetio.Recover(t.Context(), o.Out)
	if err != nil {
		t.Fatal(err)
	}
	for partition, offsets := range durable[o.Topic] {
		if first := offsets.Next(0); first != offsets.Count() {
			t.Errorf("partition %d: %d frames have a row, but not the one at offset %d", partition, offsets.Count(), first)
		}
	}
}

// resumed finishes the topic on prism.
func (s *site) resumed(t *testing.T, o Options) Options {
	t.Helper()
	o.Runner, o.UntilEnd, o.WorkerPool = RunnerPrism, true, ""
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// A task manager dies, then a worker: the job continues from its checkpoint, and no frame is lost or duplicated.
func TestFlinkRecoversFromDeaths(t *testing.T) {
	flink := newCluster(t, 2)
	workers, address := newPool(t)
	s := newSite(t, 4)
	o := flink.on(s.options(t), 4) // all slots of both task managers
	o.UntilEnd, o.WorkerPool = false, address
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	grow := func(what string) { t.Helper(); s.grow(t, o, ended, what) }
	grow("running")
	flink.kill(t, "taskmanager-1")
	flink.script(t, "taskmanager", flink.dir, "1")
	grow("after the death of a task manager")
	workers.killOne(t)
	grow("after the death of a worker")
	await(t, func() bool { return durableCount(t, o) == s.sent })
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	flink.idle(t)
	t.Logf("%d frames, %d rows", s.sent, len(s.rows(t, o.Out)))
}

// grow publishes frames until a thousand more have rows, while the job runs.
func (s *site) grow(t *testing.T, o Options, ended <-chan error, what string) {
	t.Helper()
	goal := durableCount(t, o) + 1000
	deadline := time.Now().Add(5 * time.Minute)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for ; durableCount(t, o) < goal; <-tick.C {
		select {
		case err := <-ended:
			t.Fatalf("%s: the job ended: %v", what, err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: no rows within 5 minutes", what)
		}
		s.fill(t, 12, 5)
	}
	t.Logf("%s: %d of %d frames have their row", what, durableCount(t, o), s.sent)
}

// newPool serves workers that run this test's binary, see TestMain.
func newPool(t *testing.T) (*workerPool, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &workerPool{program: os.Args[0]}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p, l.Addr().String()
}

func (p *workerPool) killOne(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.workers {
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
		return
	}
	t.Error("no worker to kill")
}
