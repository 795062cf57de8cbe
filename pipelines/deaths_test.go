package pipelines

import (
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

// Members that start at the same moment each count every death while others start and end; none of them
// mistakes a living process for a dead one.
func TestMembersCountDeathsTogether(t *testing.T) {
	const topic = "frames"
	dir := t.TempDir()
	unlock, err := parquetio.LockShared(dir, topic, "g") // makes the folders
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	died := func(places ...byte) { // marks as transforms.Watch keeps them: partition + 1, offset
		var page []byte
		for i := 0; i < len(places); i += 2 {
			slot := make([]byte, 16)
			slot[0], slot[8] = places[i]+1, places[i+1]
			page = append(page, slot...)
		}
		if err := os.WriteFile(watchPrefix(dir, topic)+watchID(), page, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	died(2, 7)
	died(2, 7, 1, 5)
	died()     // of nothing
	died(1, 4) // … and of finished frames
	var done schemas.Offsets
	done.Add(0, 5)
	want := deaths{2: {7: 2}, 1: {5: 1}}
	var members sync.WaitGroup
	for range 8 {
		members.Go(func() {
			for range 20 {
				link := session.Open("g", 0)
				if err := markFrames(link, dir, topic, nil); err != nil {
					t.Error(err)
					return
				}
				got, err := countDeaths(dir, topic, map[int32]schemas.Offsets{1: done})
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("error %v: %s", err, diff)
				}
				if err := link.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	members.Wait()
	left, err := watchFilesOf(dir, topic)
	if err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v; want the two files with deaths that still count", left, err)
	}
}
