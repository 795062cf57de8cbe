package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// ServeWorkers offers workers to a runner at address, HOST:PORT, until ctx is done: for each that the runner asks
// for it starts this program again (beam.Init makes a worker of it), and ends it when the runner says so. A worker
// that dies takes no other with it; the runner asks for a new one. There is no authentication: any client that reaches the
// address can start workers, so it belongs on loopback or inside a private network.
func ServeWorkers(ctx context.Context, address string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("workers: find this program: %w", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("workers: listen on %s: choose a free address: %w", address, err)
	}
	if err := (&workerPool{program: program}).serve(ctx, listener); err != nil {
		return fmt.Errorf("workers: serve %s: %w", address, err)
	}
	return nil
}

// serve takes requests until ctx is done, and then ends the workers.
func (p *workerPool) serve(ctx context.Context, listener net.Listener) error {
	p.workers = map[workerName]*exec.Cmd{}
	server := grpc.NewServer()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, p)
	defer context.AfterFunc(ctx, server.Stop)()
	defer p.killAll()
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// workerPool starts and stops workers as the runner asks.
type workerPool struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer
	program string

	mu      sync.Mutex
	workers map[workerName]*exec.Cmd // and their processes
	running sync.WaitGroup
}

// workerName tells a worker. Task managers number theirs alike, so those that share a host also need their connection
// to tell them apart.
type workerName struct{ id, connection string }

func nameOf(ctx context.Context, id string) workerName {
	w := workerName{id: id}
	if from, ok := peer.FromContext(ctx); ok {
		w.connection = from.Addr.String()
	}
	return w
}

// StartWorker implements the runner's request. An error is returned in the response, as the protocol demands.
func (p *workerPool) StartWorker(ctx context.Context, r *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	if err := p.launch(ctx, r); err != nil {
		return &fnpb.StartWorkerResponse{Error: err.Error()}, nil
	}
	return &fnpb.StartWorkerResponse{}, nil
}

func (p *workerPool) launch(ctx context.Context, r *fnpb.StartWorkerRequest) error {
	id, w := r.GetWorkerId(), nameOf(ctx, r.GetWorkerId())
	ctx, cancel := context.WithTimeout(ctx, reachable)
	defer cancel()
	info, err := tools.ProvisionInfo(grpcx.WriteWorkerID(ctx, id), r.GetProvisionEndpoint().GetUrl())
	if err != nil {
		return fmt.Errorf("worker %s: request settings from the runner: %w", id, err)
	}
	c := exec.Command(p.program, "--worker=true", "--id="+id,
		"--logging_endpoint="+r.GetLoggingEndpoint().GetUrl(), "--control_endpoint="+r.GetControlEndpoint().GetUrl())
	c.Env = append(os.Environ(), "RUNNER_CAPABILITIES="+strings.Join(info.GetRunnerCapabilities(), " "),
		"STATUS_ENDPOINT="+info.GetStatusEndpoint().GetUrl())
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's interrupt is for the pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers[w] != nil {
		return fmt.Errorf("worker %s: already running", id)
	}
	if err := c.Start(); err != nil {
		return fmt.Errorf("worker %s: start %s: %w", id, p.program, err)
	}
	slog.Info("worker started", "id", id, "pid", c.Process.Pid)
	p.workers[w] = c
	p.running.Go(func() { p.await(w, c) })
	return nil
}

// await logs the end of a worker.
func (p *workerPool) await(w workerName, c *exec.Cmd) {
	err := c.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers[w] != c {
		return // it was stopped
	}
	delete(p.workers, w)
	slog.Warn("worker ended by itself; the runner restarts its job from the last checkpoint", "id", w.id, "pid", c.Process.Pid, "state", err)
}

// StopWorker implements the runner's request.
func (p *workerPool) StopWorker(ctx context.Context, r *fnpb.StopWorkerRequest) (*fnpb.StopWorkerResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, err := p.lookUp(nameOf(ctx, r.GetWorkerId()))
	if err == nil {
		err = p.kill(w)
	}
	if err != nil {
		return &fnpb.StopWorkerResponse{Error: err.Error()}, nil
	}
	return &fnpb.StopWorkerResponse{}, nil
}

// find returns the worker that a request means; the caller holds the mutex. A task manager that connects again asks from
// another port, so where no worker belongs to the connection itself, the one of that id and host is meant. Where there
// are several of those, nobody can say which, and none is.
func (p *workerPool) lookUp(asked workerName) (workerName, error) {
	if p.workers[asked] != nil {
		return asked, nil
	}
	var same []workerName
	for w := range p.workers {
		if w.id == asked.id && w.host() == asked.host() {
			same = append(same, w)
		}
	}
	if len(same) > 1 {
		return asked, fmt.Errorf("worker %s: %d workers of %s have that id, and %s started none of them: restart this pool to end them",
			asked.id, len(same), asked.host(), asked.connection)
	}
	if len(same) == 0 { // it has ended
		return asked, nil
	}
	return same[0], nil
}

// host is where a worker's connection comes from.
func (w workerName) host() string {
	host, _, err := net.SplitHostPort(w.connection)
	if err != nil {
		return w.connection
	}
	return host
}

// kill ends a worker; the caller holds the mutex. What is not durable by now is brought again by the
// runner or read again by the next run.
func (p *workerPool) kill(w workerName) error {
	c := p.workers[w]
	if c == nil {
		return nil // it has ended
	}
	delete(p.workers, w)
	slog.Info("worker stopped", "id", w.id, "pid", c.Process.Pid)
	if err := c.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("worker %s: stop: %w", w.id, err)
	}
	return nil
}

func (p *workerPool) killAll() {
	p.mu.Lock()
	for w := range p.workers {
		if err := p.kill(w); err != nil {
			slog.Warn("worker still runs", "error", err)
		}
	}
	p.mu.Unlock()
	p.running.Wait()
}
