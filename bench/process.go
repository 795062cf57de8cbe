package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what one run of a contender took, all of its processes together.
type usage struct {
	Wall time.Duration
	CPU  time.Duration // user and system
	RSS  int64         // bytes at most; pages that processes share count in each
}

// Memory is looked at often at first, so that a short run is seen at all, and then ever less often.
const (
	sampleFirst = 10 * time.Millisecond
	sampleEvery = 200 * time.Millisecond
)

// process is a running contender.
type process struct {
	cmd     *exec.Cmd
	ctx     context.Context
	cancel  context.CancelFunc
	printed tail
	began   time.Time
	stop    chan struct{}
	peak    chan usage
	limit   time.Duration
}

// measured runs a command to its end, or ends it at the limit. What it prints is in the error when it fails.
func measured(ctx context.Context, argv, env []string, limit time.Duration) (usage, error) {
	p, err := start(ctx, argv, env, limit)
	if err != nil {
		return usage{}, err
	}
	return p.wait()
}

// start begins a command in a process group of its own, which is killed at the limit.
func start(ctx context.Context, argv, env []string, limit time.Duration) (*process, error) {
	p := &process{stop: make(chan struct{}), peak: make(chan usage, 1), limit: limit}
	p.ctx, p.cancel = context.WithTimeout(ctx, limit)
	p.cmd = exec.CommandContext(p.ctx, argv[0], argv[1:]...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	p.cmd.Stdout, p.cmd.Stderr = &p.printed, &p.printed
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		p.cancel()
		return nil, err
	}
	go watch(p.cmd.Process.Pid, p.stop, p.peak)
	return p, nil
}

// drain asks the process to end as a user would.
func (p *process) drain() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// wait returns what the process took once it has ended.
func (p *process) wait() (usage, error) {
	defer p.cancel()
	err := p.cmd.Wait()
	wall := time.Since(p.began)
	close(p.stop)
	u := <-p.peak
	u.Wall = wall
	// children that were waited for are in the one figure, those that were not in the other
	u.CPU = max(u.CPU, p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime())
	if errors.Is(p.ctx.Err(), context.DeadlineExceeded) {
		return u, fmt.Errorf("did not end within %s", p.limit)
	}
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", strings.Join(p.cmd.Args, " "), err, p.printed.String())
	}
	return u, nil
}

// tail keeps the last of what is printed.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 1<<16 {
		t.b = t.b[len(t.b)-1<<15:]
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b[max(0, len(t.b)-2000):])) }

// watch sums memory and processor time over a process and its descendants until stop is closed.
func watch(pid int, stop <-chan struct{}, peak chan<- usage) {
	var most usage
	every := sampleFirst
	tick := time.NewTimer(every)
	defer tick.Stop()
	for {
		u := tree(pid)
		most.CPU, most.RSS = max(most.CPU, u.CPU), max(most.RSS, u.RSS)
		select {
		case <-stop:
			peak <- most
			return
		case <-tick.C:
			every = min(2*every, sampleEvery)
			tick.Reset(every)
		}
	}
}

// tree reads what a process and its descendants have used; one that is gone has nothing to add.
func tree(pid int) usage {
	proc := procOf(pid)
	u := usage{RSS: peakMemory(proc), CPU: cpuTime(proc)}
	threads, _ := os.ReadDir(proc + "/task")
	for _, thread := range threads {
		children, _ := os.ReadFile(proc + "/task/" + thread.Name() + "/children")
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				c := tree(n)
				u.RSS, u.CPU = u.RSS+c.RSS, u.CPU+c.CPU
			}
		}
	}
	return u
}

// procOf is where the kernel tells about a process.
func procOf(pid int) string { return "/proc/" + strconv.Itoa(pid) }

// peakMemory is the most resident memory that a process had.
func peakMemory(proc string) int64 {
	status, _ := os.ReadFile(proc + "/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10
}

// clockTick is the unit of /proc/PID/stat.
const clockTick = 10 * time.Millisecond

// cpuTime is the processor time of a process and of the children that it has waited for.
func cpuTime(proc string) time.Duration {
	stat, _ := os.ReadFile(proc + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0
	}
	var ticks int64
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * clockTick
}
