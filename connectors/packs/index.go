package packs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// A topic with packs has two partitions, both compacted. The index says what there is:
//
//	key "pack NAME"     the version that is offered, a topicPack; written when all of its files are there
//	key "blob SHA256"   a file, the manifest too, a topicBlob; written when all of its chunks are there
//
// The chunks of a file are records with the keys "SHA256 0", "SHA256 1", …, one batch each, so that a device can read any of them by
// its offset and a cut costs it one chunk at most.
const (
	indexPartition, chunkPartition = 0, 1
	topicPartitions                = 2

	packKey, blobKey = "pack ", "blob "

	indexBytes = 1 << 20 // read in one request
)

// topicPack is a version of a pack.
type topicPack struct {
	Manifest string   `json:"manifest"` // its sha256
	Blobs    []string `json:"blobs"`    // the files of its nets, by their sha256
}

// topicBlob says where a file is.
type topicBlob struct {
	Size  int64      `json:"size"`
	Chunk int64      `json:"chunk"` // bytes of each chunk but the last, which may be shorter
	Runs  [][2]int64 `json:"runs"`  // first offset and number of chunks, in order; other records may lie between two runs
}

// place returns the offset of a chunk, and how many chunks follow it without a gap, itself included.
func (b topicBlob) place(chunk int64) (offset, run int64, ok bool) {
	for _, r := range b.Runs {
		if chunk < r[1] {
			return r[0] + chunk, r[1] - chunk, true
		}
		chunk -= r[1]
	}
	return 0, 0, false
}

// add appends a chunk.
func (b *topicBlob) add(offset int64) {
	if last := len(b.Runs) - 1; last >= 0 && b.Runs[last][0]+b.Runs[last][1] == offset {
		b.Runs[last][1]++
		return
	}
	b.Runs = append(b.Runs, [2]int64{offset, 1})
}

// chunks is how many there are.
func (b topicBlob) chunks() int64 { return (b.Size + b.Chunk - 1) / b.Chunk }

// sound reports whether a record can be true.
func (b topicBlob) sound() bool {
	if b.Size < 0 || b.Chunk <= 0 || b.Size > math.MaxInt64-b.Chunk {
		return false
	}
	left := b.chunks()
	for _, r := range b.Runs {
		if r[0] < 0 || r[1] < 1 || r[1] > left {
			return false
		}
		left -= r[1]
	}
	return left == 0
}

// within reports whether the log can hold all chunks, by its bounds.
func (b topicBlob) within(first, end int64) bool {
	for _, r := range b.Runs {
		if r[0] < first || r[0]+r[1] > end {
			return false
		}
	}
	return true
}

func chunkKey(sha string, chunk int64) string { return fmt.Sprintf("%s %d", sha, chunk) }

// topicIndex is the index as far as it was read.
type topicIndex struct {
	log *kafkaio.Log

	mu      sync.Mutex
	next    int64
	last    kafkaio.LogRecord // the last one that was read; at offset -1 where none was
	packs   map[string]topicPack
	blobs   map[string]topicBlob
	foreign bool // the topic holds records of something else
}

func newTopicIndex(log *kafkaio.Log) *topicIndex {
	x := &topicIndex{log: log, packs: map[string]topicPack{}, blobs: map[string]topicBlob{}}
	x.reset(0)
	return x
}

// forget makes the next catchUp read all of it: the topic is not the one that was read.
func (x *topicIndex) forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reset(0)
}

func (x *topicIndex) reset(next int64) {
	x.next, x.foreign = next, false
	x.last = kafkaio.LogRecord{Offset: -1}
	clear(x.packs)
	clear(x.blobs)
}

// catchUp reads what is new. It reads the last known record once more: a topic that was deleted and recreated has another one there, also when
// nobody looked while it was away and it ends at the same offset by now.
func (x *topicIndex) catchUp(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	first, end, err := x.log.Bounds(ctx, indexPartition)
	if err != nil {
		if errors.Is(err, kafkaio.ErrNoLog) {
			x.reset(0)
		}
		return err
	}
	if x.next > end || x.next < first {
		x.reset(first)
	}
	if x.last.Offset >= 0 {
		again, _, err := x.log.Read(ctx, indexPartition, x.last.Offset, 1)
		if err != nil && !errors.Is(err, kafkaio.ErrNoOffset) {
			return err
		}
		if len(again) == 0 || !again[0].Equal(x.last) {
			x.reset(first)
		}
	}
	for x.next < end {
		records, next, err := x.log.Read(ctx, indexPartition, x.next, indexBytes)
		if err != nil {
			return err
		}
		if next == x.next {
			return fmt.Errorf("topic %s: nothing comes from offset %d of the index, which ends at %d", x.log.Topic(), next, end)
		}
		for _, r := range records {
			x.take(string(r.Key), r.Value)
			x.last = r
		}
		x.next = next
	}
	return nil
}

// take takes in one record. One that cannot be read counts as deleted: its file is published again.
func (x *topicIndex) take(key string, value []byte) {
	name, isPack := strings.CutPrefix(key, packKey)
	sha, isBlob := strings.CutPrefix(key, blobKey)
	switch {
	case isPack:
		var p topicPack
		if delete(x.packs, name); value != nil && json.Unmarshal(value, &p) == nil && isSHA256(p.Manifest) {
			x.packs[name] = p
		}
	case isBlob:
		var b topicBlob
		if delete(x.blobs, sha); value != nil && json.Unmarshal(value, &b) == nil && b.sound() {
			x.blobs[sha] = b
		}
	default:
		x.foreign = true
	}
}

// strange reports whether the topic is used for something else.
func (x *topicIndex) strange() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.foreign
}

func (x *topicIndex) pack(name string) (p topicPack, ok bool, names []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for one := range x.packs {
		names = append(names, one)
	}
	p, ok = x.packs[name]
	return p, ok, names
}

func (x *topicIndex) blob(sha string) (topicBlob, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b, ok := x.blobs[sha]
	return b, ok
}

// stale lists the files that belong to no pack of the index.
func (x *topicIndex) stale() map[string]topicBlob {
	x.mu.Lock()
	defer x.mu.Unlock()
	used := map[string]bool{}
	for _, p := range x.packs {
		used[p.Manifest] = true
		for _, sha := range p.Blobs {
			used[sha] = true
		}
	}
	all := map[string]topicBlob{}
	for sha, b := range x.blobs {
		if !used[sha] {
			all[sha] = b
		}
	}
	return all
}
