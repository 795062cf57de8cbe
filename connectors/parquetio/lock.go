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
	if err := prepare(dir); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(privateFolder(dir), "lock-"+url.PathEscape(name)))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock %s: another process writes there as %q: stop it, or choose another folder", dir, name)
	}
	return l.Unlock, nil
}
