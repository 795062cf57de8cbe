package parquetio

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachenet/cachenet/connectors/fsync"
)

// longName is how many bytes of a name become part of a file's name; file systems take 255.
const longName = 150

// PrivatePath returns the path of a file that is kept with the data set at dir and holds no outcomes; name may be any
// text.
func PrivatePath(dir, name string) string {
	return filepath.Join(privateFolder(dir), url.PathEscape(name))
}

// FileName turns any text, the name of a topic for example, into a part of a file name: as it is where that is
// possible, else shortened, with a checksum that keeps it apart from others.
func FileName(name string) string {
	escaped := url.PathEscape(name)
	if len(escaped) <= longName {
		return escaped
	}
	return fmt.Sprintf("%s~%x", escaped[:longName/2], sha256.Sum256([]byte(name)))
}

// WritePrivate makes data the content of the file that [PrivatePath] names: whole or not at all, and surviving a power
// cut.
func WritePrivate(dir, name string, data []byte) error {
	if err := place(dir, PrivatePath(dir, name), data); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// KeepPrivate returns the content of the file that [PrivatePath] names, which is data where there was none before;
// only the owner may read it. Of several processes that call it at once all get the same.
func KeepPrivate(dir, name string, data []byte) ([]byte, error) {
	if kept, err := ReadPrivate(dir, name); kept != nil || err != nil {
		return kept, err
	}
	partial, err := writePartial(dir, name, data)
	if err == nil {
		defer os.Remove(partial) //nolint:errcheck // Recover removes what stays behind
		err = os.Chmod(partial, 0o600)
	}
	if err == nil {
		err = os.Link(partial, PrivatePath(dir, name)) // fails where another process was first
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = fsync.Folder(privateFolder(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return ReadPrivate(dir, name)
}

// ReadPrivate returns what was written, nil when there is no such file.
func ReadPrivate(dir, name string) ([]byte, error) {
	data, err := os.ReadFile(PrivatePath(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// RemovePrivate removes the file, durably; it is no error when there is none.
func RemovePrivate(dir, name string) error {
	err := os.Remove(PrivatePath(dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil:
		err = fsync.Folder(privateFolder(dir))
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// readNotes shows visit the content of each JSON file of a folder whose name begins with prefix; none where there is no
// folder. It lists the folder and takes no pattern: the folder's name may contain what means something in one.
func readNotes[T any](folder, prefix string, visit func(T)) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		path := filepath.Join(folder, e.Name())
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // it was there a moment ago
			continue
		}
		var note T
		if err == nil {
			err = json.Unmarshal(text, &note)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		visit(note)
	}
	return nil
}
