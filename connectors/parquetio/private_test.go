package parquetio

import (
	"bytes"
	"os"
	"sync"
	"testing"
)

// The first of several processes decides, and its file is readable by the owner only.
func TestKeepPrivateKeepsTheFirst(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	got := make([][]byte, 8)
	for i := range got {
		group.Go(func() {
			var err error
			if got[i], err = KeepPrivate(dir, "secret", []byte{byte(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, b := range got {
		if len(b) != 1 || !bytes.Equal(b, got[0]) {
			t.Fatalf("%v", got)
		}
	}
	info, err := os.Stat(PrivatePath(dir, "secret"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(PrivatePath(dir, "secret"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := KeepPrivate(dir, "secret", []byte("new")); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}
}
