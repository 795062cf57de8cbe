package models

import "os"

// WriteWhole writes a file that appears, or replaces the one of its name, only when it is whole.
func WriteWhole(path string, text []byte) error {
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, text, 0o666); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
