package video

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a running ffmpeg. What it writes to file descriptor 3+i is read from pipes[i].
type process struct {
	cmd    *exec.Cmd
	pipes  []*os.File
	said   *tail
	camera Camera
}

// start runs ffmpeg with n pipes in addition to stdin, until ctx ends.
func start(ctx context.Context, ffmpeg string, c Camera, args []string, stdin string, n int) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, ffmpeg, args...), said: &tail{}, camera: c}
	p.cmd.Stdin, p.cmd.Stderr = strings.NewReader(stdin), p.said
	p.cmd.WaitDelay = 5 * time.Second
	var ends []*os.File
	defer func() { closeAll(ends) }()
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(p.pipes)
			return nil, fmt.Errorf("make a pipe for ffmpeg: %w", err)
		}
		p.pipes, ends = append(p.pipes, r), append(ends, w)
	}
	p.cmd.ExtraFiles = ends
	if err := p.cmd.Start(); err != nil {
		closeAll(p.pipes)
		return nil, final{fmt.Errorf("start ffmpeg: %w", err)}
	}
	return p, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// wait returns how ffmpeg ended, after its pipes were read to their ends: nil after a clean end of the source.
func (p *process) wait() error {
	err := p.cmd.Wait()
	closeAll(p.pipes)
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	if reason := explain(p.camera.redact(p.said.String())); reason != nil {
		return reason
	}
	return fmt.Errorf("ffmpeg: %w", err)
}

// tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// tailBytes is enough for the lines that tell why ffmpeg ended.
const tailBytes = 16 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if len(t.b) > 2*tailBytes {
		t.b = bytes.Clone(t.b[len(t.b)-tailBytes:])
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

var _ io.Writer = (*tail)(nil)
