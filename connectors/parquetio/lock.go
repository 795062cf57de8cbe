package parquetio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockWait is how long a process that shares waits for the lock: another one that shares holds it alone for the moment
// in which it writes its group down.
const lockWait = 2 * time.Second

// Lock claims the rows of topic in the data set at dir for this process, until unlock is called or the process is
// gone: two processes that write rows of one topic would double them, whatever their groups. It creates the folder
// when it is not there, and so tells early when it cannot be written to.
func Lock(dir, topic, group string) (unlock func() error, err error) {
	return lock(dir, topic, group, false)
}

// LockShared is Lock for one of several processes of group that share the topic, each with WriteConfig.Shared set. It
// keeps out those of other groups and those that do not share, and the other way round.
func LockShared(dir, topic, group string) (unlock func() error, err error) {
	return lock(dir, topic, group, true)
}

func lock(dir, topic, group string, share bool) (unlock func() error, err error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(privateFolder(dir), "lock-"+FileName(topic))
	l := flock.New(path, flock.SetPermissions(0o666))
	held, err := l.TryLock()
	if held && err == nil {
		err = os.WriteFile(path, []byte(group), 0o666) // read by those who come later
	}
	if share && err == nil {
		held, err = shared(l) // the lock held alone becomes a shared one
	}
	var holder []byte
	if err == nil {
		holder, err = os.ReadFile(path)
	}
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), l.Unlock())
	case held && string(holder) == group:
		return l.Unlock, nil
	}
	return nil, errors.Join(fmt.Errorf("lock %s: another process writes the rows of topic %q there, as group %q: stop it, choose another folder, "+
		"or let all of them share with one group", dir, topic, holder), l.Unlock())
}

// shared waits for a shared lock; false means that another process holds the exclusive lock.
func shared(l *flock.Flock) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	held, err := l.TryRLockContext(ctx, 10*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return held, err
}
