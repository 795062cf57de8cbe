package parquetio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever the auxiliary files of a data set contain, the rows in its files are found: the ledger is trusted about
// folders that it lists, and unreadable gaps are an error that names their file.
func FuzzNotes(f *testing.F) {
	f.Add([]byte(`{"dt=2026-05-04/hour=12":{"modified":1,"offsets":{"frames":{"0":[[0,100]]}}}}`), []byte(`{"lost":{"frames":{"0":[[5,7]]}}}`))
	f.Add([]byte(`{".":{"modified":-1,"offsets":null}}`), []byte(`null`))
	f.Add([]byte(`[]`), []byte(`{"lost":{"frames":{"0":[[7,5]]}}}`))
	dir := f.TempDir()
	put(f, dir, "dt=2026-05-04/hour=12", "a.parquet", rowsOf(0, 0, 20)...)
	gaps := filepath.Join(gapsFolder(dir), "x.json")
	if err := os.MkdirAll(gapsFolder(dir), 0o777); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ledgerText, gapsText []byte) {
		for path, text := range map[string][]byte{ledgerFile(dir): ledgerText, gaps: gapsText} {
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		found, err := Recover(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		held := found["frames"][0]
		if missing := held.Missing(0, 20); missing.Count() > 0 {
			t.Errorf("rows not found: %v", missing)
		}
		if _, err := ReadGaps(dir); err != nil && !strings.Contains(err.Error(), gaps) {
			t.Errorf("error does not name the file: %v", err)
		}
		if _, err := os.Stat(ledgerFile(dir)); err != nil {
			t.Error(err)
		}
	})
}
