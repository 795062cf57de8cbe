package parquetio

import (
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Lock claims name (a consumer group, say) in the data set at dir for this process, until unlock is called or the
// process is gone. It makes the folder when it is not there, and so tells early when it cannot be written to.
func Lock(dir, name string) (unlock func() error, err error) {
	return lock(dir, name, (*flock.Flock).TryLock)
}

// LockShared is Lock for one of several processes that share the name, each with WriteConfig.Shared set. It keeps
// those out that do not share, and the other way round.
func LockShared(dir, name string) (unlock func() error, err error) {
	return lock(dir, name, (*flock.Flock).TryRLock)
}

func lock(dir, name string, try func(*flock.Flock) (bool, error)) (unlock func() error, err error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(privateFolder(dir), "lock-"+url.PathEscape(name)))
	ok, err := try(l)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock %s: another process writes there as %q: stop it, or choose another folder", dir, name)
	}
	return l.Unlock, nil
}
