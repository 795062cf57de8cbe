package models

import "os"

// WriteAtomic writes a file by way of a temporary one, so that readers never see a part of it.
func WriteAtomic(path string, text []byte) error {
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, text, 0o666); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
