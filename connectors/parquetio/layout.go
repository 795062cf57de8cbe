package parquetio

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachenet/cachenet/connectors/fsync"
)

// Everything that is not a finished file lives outside outcomes/: polars refuses a folder with a second kind of file.
func outcomesFolder(dir string) string { return filepath.Join(dir, "outcomes") }
func privateFolder(dir string) string  { return filepath.Join(dir, ".cachenet") }
func partialFolder(dir string) string  { return filepath.Join(privateFolder(dir), "partial") }
func ledgerFile(dir string) string     { return filepath.Join(privateFolder(dir), "ledger.json") }

// isData reports whether a file of that name holds outcomes.
func isData(name string) bool {
	return strings.HasSuffix(name, ".parquet") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// store makes data the content of the file path under outcomes/, so that it is there whole or not at all
// whatever happens meanwhile; when it returns nil the file survives a power cut. It may be repeated.
func store(dir, path string, data []byte) error {
	return place(dir, filepath.Join(outcomesFolder(dir), filepath.FromSlash(path)), data)
}

// place is store for any file in dir.
func place(dir, target string, data []byte) error {
	folder := filepath.Dir(target)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	partial, err := writePartial(dir, filepath.Base(target), data)
	if err != nil {
		return err
	}
	if err := os.Rename(partial, target); err != nil {
		_ = os.Remove(partial) // the first error is the one to tell; Recover removes what stays behind
		return err
	}
	return syncUp(folder, dir)
}

// writePartial writes a file that is not yet part of the data set, durably, and returns its path.
func writePartial(dir, name string, data []byte) (string, error) {
	if err := os.MkdirAll(partialFolder(dir), 0o777); err != nil {
		return "", err
	}
	partial := filepath.Join(partialFolder(dir), name+"."+rand.Text())
	if err := writeDurably(partial, data); err != nil {
		_ = os.Remove(partial) // as above
		return "", err
	}
	return partial, nil
}

// writeDurably writes a new file and returns when it is on disk.
func writeDurably(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed // some file systems say only here that there was no room
	}
	return err
}

// syncUp makes durable that folder holds what it holds, and that the folders above it, up to dir, hold it.
func syncUp(folder, dir string) error {
	for {
		if err := fsync.Folder(folder); err != nil {
			return err
		}
		parent := filepath.Dir(folder)
		if folder == dir || parent == folder {
			return nil
		}
		folder = parent
	}
}

// prepare makes the folders of a data set, durably, and thereby finds out whether they can be written to.
func prepare(dir string) error {
	for _, folder := range []string{outcomesFolder(dir), partialFolder(dir)} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return fmt.Errorf("write to %s: %w: choose a folder that can be written to", dir, err)
		}
	}
	return syncUp(filepath.Join(dir, "outcomes"), filepath.Dir(dir))
}
