package flow

import (
	"errors"
	"io"
)

// Lost says that the records of [From, To) left the topic before anybody read them.
type Lost struct {
	Topic     string
	Partition int32
	From, To  int64
}

// Keep returns what the job keeps under name in this process, calling open the first time: DoFns come and
// go with their bundles, connections should not. [Close] closes it. The error is open's.
func (l *Link) Keep(name string, open func() (io.Closer, error)) (io.Closer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.kept[name]; ok {
		return c, nil
	}
	c, err := open()
	if err != nil {
		return nil, err
	}
	if l.kept == nil {
		l.kept = map[string]io.Closer{}
	}
	l.kept[name] = c
	return c, nil
}

// closeKept closes everything kept; what is asked for later is opened anew.
func (l *Link) closeKept() error {
	l.mu.Lock()
	kept := l.kept
	l.kept = nil
	l.mu.Unlock()
	errs := make([]error, 0, len(kept))
	for _, c := range kept {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// OnLost registers f to be called, one call at a time, whenever records were lost before they were read.
func (l *Link) OnLost(f func(Lost)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onLost = append(l.onLost, f)
}

// SetLost tells everyone registered that records were lost before they were read.
func (l *Link) SetLost(lost Lost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.onLost {
		f(lost)
	}
}
