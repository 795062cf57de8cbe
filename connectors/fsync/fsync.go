// Package fsync makes what a folder holds durable: a file that was created or renamed is there after a power cut only when its folder was synced
// too. It is a leaf that every connector may import.
package fsync

import "os"

// Folder returns when the names in a folder are on disk.
func Folder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
