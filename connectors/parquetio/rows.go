package parquetio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/parquet-go/parquet-go"

	"github.com/cachenet/cachenet/schemas"
)

// Rows reads the outcomes of the data set at dir, file by file in the order of their paths, one batch of rows in
// memory. The first error ends it, and names the file. A data set without files has no rows.
func Rows(ctx context.Context, dir string) iter.Seq2[schemas.Outcome, error] {
	return func(yield func(schemas.Outcome, error) bool) {
		for path, err := range dataFiles(dir) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(schemas.Outcome{}, err)
				return
			}
			for row, err := range fileRows[schemas.Outcome](path) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// dataFiles walks over the finished files of the data set, sorted by path.
func dataFiles(dir string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_, err := walkData(outcomesFolder(dir), func(path string) bool { return yield(path, nil) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			yield("", fmt.Errorf("read outcomes: %w", err))
		}
	}
}

// walkData calls visit for the files below a folder until it returns false; more reports that it did not.
func walkData(folder string, visit func(path string) bool) (more bool, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		below, err := isFolder(path, entry)
		switch {
		case err != nil:
			return false, err
		case below:
			if more, err := walkData(path, visit); err != nil || !more {
				return false, err
			}
		case isData(entry.Name()) && !visit(path):
			return false, nil
		}
	}
	return true, nil
}

// isFolder reports whether an entry is a folder or a link to one: days may be moved to another disk and linked. Links
// that lead in a circle end as an error of the operating system.
func isFolder(path string, entry fs.DirEntry) (bool, error) {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.IsDir(), nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(entry.Name()[:1], "._") {
		return false, nil // as the lock files of editors are
	}
	if err != nil {
		return false, err
	}
	return info.IsDir(), nil
}

// fileRows reads one file; T names the wanted columns by its parquet tags.
func fileRows[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := openData(path)
		if err != nil {
			yield(none, err)
			return
		}
		defer f.close()
		var rows *parquet.GenericReader[T]
		err = f.try(func() error { rows = parquet.NewGenericReader[T](f.File); return nil })
		batch := make([]T, 256)
		for n, more := 0, true; more && err == nil; {
			clear(batch) // a column that the file does not have must not keep the value of an earlier row
			err = f.try(func() (err error) {
				n, err = rows.Read(batch)
				more = !errors.Is(err, io.EOF)
				switch {
				case !more:
					return nil
				case n == 0 && err == nil:
					return io.ErrNoProgress
				}
				return err
			})
			for i := range n {
				if !yield(batch[i], nil) {
					return
				}
			}
		}
		if err != nil {
			yield(none, err)
		}
	}
}

// dataFile is an open file of outcomes.
type dataFile struct {
	*parquet.File
	disk *os.File
}

func openData(path string) (*dataFile, error) {
	disk, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read outcomes: %w", err)
	}
	f := &dataFile{disk: disk}
	err = f.try(func() error {
		info, err := disk.Stat()
		if err == nil {
			err = checkFooter(disk, info.Size())
		}
		if err != nil {
			return err
		}
		f.File, err = parquet.OpenFile(disk, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		return err
	})
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// checkFooter refuses a footer larger than its file: the Parquet library would make room for as many bytes as are
// declared, which may be four billion.
func checkFooter(disk *os.File, size int64) error {
	var tail [8]byte // length, "PAR1"
	if _, err := disk.ReadAt(tail[:], size-int64(len(tail))); err != nil {
		return err
	}
	if length := int64(binary.LittleEndian.Uint32(tail[:])); length > size-int64(len(tail)) {
		return fmt.Errorf("footer of %d bytes in a file of %d", length, size)
	}
	return nil
}

// try calls the Parquet library, which may panic on damaged bytes; here that is an error as any other. The error
// names the file.
func (f *dataFile) try(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		if err != nil {
			err = fmt.Errorf("read %s: damaged Parquet: %w: move the file away or restore it", f.disk.Name(), err)
		}
	}()
	return call()
}

func (f *dataFile) close() { _ = f.disk.Close() } // it was only read
