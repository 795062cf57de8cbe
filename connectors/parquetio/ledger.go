package parquetio

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"time"
)

// settled is how long a folder must have been left alone before the ledger trusts its time of change: file systems
// keep that time too coarsely to tell two changes at the same moment apart.
const settled = time.Minute

// ledger remembers what the folders under outcomes/ hold, so that a start reads only what is new. It may be lost,
// old or wrong about folders that changed: it is trusted only about a folder that has not been touched since,
// and adding, replacing or removing a file touches its folder.
type ledger map[string]folderEntry

type folderEntry struct {
	Modified int64   `json:"modified"` // the folder's time of change, Unix ns
	Offsets  Durable `json:"offsets"`  // what the files in it hold, without those of inner folders

	partly bool // has inner folders, whose changes do not show in its own time
}

// readLedger returns what the ledger says; nothing where it cannot be read, as everything in it can be found again.
func readLedger(dir string) ledger {
	var l ledger
	if b, err := os.ReadFile(ledgerFile(dir)); err != nil || json.Unmarshal(b, &l) != nil {
		return nil
	}
	return l
}

// record writes the ledger where it has changed.
func (s *scan) record() error {
	safe := ledger{}
	for rel, entry := range s.found {
		if !entry.partly && s.start.Sub(time.Unix(0, entry.Modified)) > settled {
			safe[rel] = entry
		}
	}
	same := func(a, b folderEntry) bool { return a.Modified == b.Modified }
	if maps.EqualFunc(safe, s.known, same) {
		return nil
	}
	text, err := json.Marshal(safe)
	if err == nil {
		err = place(s.dir, ledgerFile(s.dir), text)
	}
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
