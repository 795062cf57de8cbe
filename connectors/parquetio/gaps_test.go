package parquetio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func ranges(pairs ...[2]int64) schemas.Offsets {
	var o schemas.Offsets
	for _, p := range pairs {
		o.Add(p[0], p[1])
	}
	return o
}

var sameOffsets = gocmp.Comparer(func(a, b schemas.Offsets) bool {
	x, errA := a.MarshalJSON()
	y, errB := b.MarshalJSON()
	return errA == nil && errB == nil && string(x) == string(y)
})

func TestGapsOfSeveralRunsAddUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `out[cam1] *?\d`) // none of it is a pattern
	for i := range int64(3) {
		link := session.Open("job", 0)
		if _, err := OpenGapLog(dir, link); err != nil {
			t.Fatal(err)
		}
		link.SetLost(session.Lost{Topic: "frames", Partition: 1, From: 10 * i, To: 10*i + 5})
		link.SetDurable(session.Durable{Topic: "frames", Partition: 2, Offsets: ranges([2]int64{i, i + 1}), Empty: true})
		link.SetDurable(session.Durable{Topic: "frames", Partition: 3, Offsets: ranges([2]int64{0, 100})}) // rows
		now, err := ReadGaps(dir)
		if err != nil || now.Lost["frames"][1].End() != 10*i+5 {
			t.Errorf("run %d: lost frames are not on disk at once: %v, error %v", i, now, err)
		}
		if err := link.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadGaps(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := Gaps{Unwanted: Durable{}, Empty: Durable{"frames": {2: ranges([2]int64{0, 3})}},
		Lost: Durable{"frames": {1: ranges([2]int64{0, 5}, [2]int64{10, 15}, [2]int64{20, 25})}}}
	if diff := gocmp.Diff(want, got, sameOffsets); diff != "" {
		t.Error(diff)
	}
}

func TestADamagedGapFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(gapsFolder(dir), "x.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadGaps(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v", err)
	}
}

func TestPrivateFiles(t *testing.T) {
	dir, name := t.TempDir(), "streams of a/b.json"
	if b, err := ReadPrivate(dir, name); b != nil || err != nil {
		t.Errorf("before: %q, error %v", b, err)
	}
	if err := WritePrivate(dir, name, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadPrivate(dir, name); string(b) != "x" || err != nil {
		t.Errorf("after: %q, error %v", b, err)
	}
	for range 2 {
		if err := RemovePrivate(dir, name); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := ReadPrivate(dir, name); b != nil || err != nil {
		t.Errorf("at last: %q, error %v", b, err)
	}
}
