package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cachenet/cachenet/bench/recording"
	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/evaluation"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// Topics of a workload: the same frames, more or fewer of each stream.
const (
	topicStart = "start" // one of each: what a contender costs before it is at work
	topicShort = "short" // for those whose full model answers all
	topicLong  = "long"
)

// workload is the frames of one size where every contender can read them.
type workload struct {
	plan
	size
	dir       string // for what contenders write
	recording string // path
	task      string // path of the Python peers' settings
	brokers   string
	truth     *truth

	broker *exec.Cmd
}

// openWorkload renders the frames, unless the cache has them, and publishes them to a broker of its own.
func openWorkload(ctx context.Context, p plan, s size) (w *workload, err error) {
	w = &workload{plan: p, size: s}
	if w.dir, err = os.MkdirTemp("", "cachenet-bench-"); err != nil {
		return nil, err
	}
	opened := w // the result of a failure is nil
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()
	h := p.header(s)
	w.recording = filepath.Join(p.Cache, fmt.Sprintf("%s-%d-streams-%d-frames-by-%d.frames", s.name, h.Streams, h.Frames, h.Chunk))
	if err := recording.Make(w.recording, h); err != nil {
		return nil, err
	}
	rec, err := recording.Open(w.recording)
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	if w.truth, err = readTruth(rec, w.recording, p.Pack, !p.unjudged); err != nil {
		return nil, err
	}
	if err := w.writeTask(); err != nil {
		return nil, err
	}
	if err := w.startBroker(ctx); err != nil {
		return nil, err
	}
	topics := []string{topicStart, topicShort, topicLong}
	if p.unjudged {
		topics = []string{topicStart, topicLong}
	}
	for _, topic := range topics {
		if err := w.publish(ctx, rec, topic); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// perStream is how many frames of each stream a topic holds.
func (w *workload) perStream(topic string) int {
	return map[string]int{topicStart: 1, topicShort: w.short, topicLong: w.long}[topic]
}

// frames is how many frames a topic holds.
func (w *workload) frames(topic string) int { return w.perStream(topic) * w.Streams }

// startBroker starts the embedded broker as a process of its own, so that its cost counts for no contender.
func (w *workload) startBroker(ctx context.Context) error {
	w.broker = exec.CommandContext(ctx, w.Cachenet, "broker", "--listen", "127.0.0.1:0")
	w.broker.Cancel = func() error { return w.broker.Process.Signal(syscall.SIGTERM) }
	w.broker.Stderr = os.Stderr
	out, err := w.broker.StdoutPipe()
	if err != nil {
		return err
	}
	if err := w.broker.Start(); err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	w.brokers = strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	return nil
}

// publish sends the frames in the order of the recording.
func (w *workload) publish(ctx context.Context, rec *recording.Recording, topic string) (err error) {
	cluster := kafkaio.Cluster{Brokers: []string{w.brokers}}
	if _, err := kafkaio.EnsureTopic(ctx, cluster, topic, w.Partitions); err != nil {
		return err
	}
	producer, err := kafkaio.NewProducer(cluster, topic, "/cachenet/bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	var batch []schemas.Frame
	for f := range rec.All(w.perStream(topic)) {
		batch = append(batch, schemas.Frame{Stream: streamName(f.Stream), Sequence: int64(f.Sequence), ContentType: schemas.JPEG, Truth: rec.Classes[f.Class], Image: f.Image})
		if len(batch) == 1024 {
			if err := producer.Publish(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return producer.Publish(ctx, batch)
}

func streamName(i int) string { return fmt.Sprintf("stream-%05d", i) }

// task holds the Python peers' settings; cachenet_peers/task.py reads it.
type task struct {
	Classes          []string        `json:"classes"`
	Width            int             `json:"width"`
	Height           int             `json:"height"`
	Resize           string          `json:"resize"`
	Full             taskNet         `json:"full"`
	Small            taskNet         `json:"small"`
	Policy           policy.Settings `json:"policy"`
	CascadeThreshold float32         `json:"cascade_threshold"`
}

type taskNet struct {
	File        string  `json:"file"`
	Temperature float32 `json:"temperature"`
}

func (w *workload) writeTask() error {
	pack, err := models.OpenPack(w.Pack)
	if err != nil {
		return err
	}
	small, ok := pack.Global()
	if !ok {
		return fmt.Errorf("pack %s has no global small net: the peers need one", w.Pack)
	}
	if small.Input != nil || pack.Full.Input != nil {
		return fmt.Errorf("pack %s: its nets have their own inputs: the peers support packs whose nets all have the pack's input", w.Pack)
	}
	threshold, err := cascadeThreshold(pack, small)
	if err != nil {
		return err
	}
	net := func(e models.NetEntry) taskNet { return taskNet{filepath.Join(pack.Dir, e.File), e.Temperature} }
	b, err := json.Marshal(task{pack.Classes, pack.Input.Width, pack.Input.Height, cmp.Or(pack.Input.Resize, picture.Stretch), net(pack.Full), net(small), pack.Policy, threshold})
	if err != nil {
		return err
	}
	w.task = filepath.Join(w.dir, "task.json")
	return os.WriteFile(w.task, b, 0o644)
}

// cascadeThreshold is that of the small net without a window, as the pack's build tuned it under the same accuracy budget.
func cascadeThreshold(pack *models.Pack, small models.NetEntry) (float32, error) {
	card, err := evaluation.ReadCard(pack)
	if err != nil {
		return 0, err
	}
	for _, s := range card.Setups {
		if s.Rival == "small cascade" && s.Small == small.SHA256 {
			return s.Settings.Threshold, nil
		}
	}
	return 0, fmt.Errorf("pack %s: its card has no threshold of the small net as a cascade: build it again", pack.Dir)
}

// close stops the broker and removes what contenders wrote.
func (w *workload) close() error {
	if w.broker != nil && w.broker.Process != nil {
		_ = w.broker.Process.Signal(syscall.SIGTERM)
		_ = w.broker.Wait() // it ends by our signal
	}
	return os.RemoveAll(w.dir)
}
