package parquetio

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// Beside returns the path of a file that is kept with the data set at dir and is no outcome; name may be any text.
func Beside(dir, name string) string { return filepath.Join(privateFolder(dir), url.PathEscape(name)) }

// WriteBeside makes data the content of the file [Beside] names: whole or not at all, and surviving a power cut.
func WriteBeside(dir, name string, data []byte) error {
	if err := place(dir, Beside(dir, name), data); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// ReadBeside returns what was written, nil when there is no such file.
func ReadBeside(dir, name string) ([]byte, error) {
	data, err := os.ReadFile(Beside(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// RemoveBeside removes the file, durably; it is no error when there is none.
func RemoveBeside(dir, name string) error {
	err := os.Remove(Beside(dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		err = syncFolder(privateFolder(dir))
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}
