package session

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// slot holds one part, or a part in the making.
type slot struct {
	ready chan struct{} // value and err are final
	value any
	err   error
}

// Part returns what the session keeps under name, calling open the first time: DoFns come and go with their bundles,
// connections and writers should not. [Session.Close] closes the part if it is an io.Closer. An error of open is
// returned and not remembered. open may ask for other parts, which are then closed after its own; asking for its own
// name would deadlock. Part returns an [ErrClosed] once the session is closing.
func Part[T any](s *Session, name string, open func() (T, error)) (T, error) {
	var none T
	sl, mine, err := s.claim(name)
	if err != nil {
		return none, err
	}
	if mine {
		s.fill(name, sl, func() (any, error) { return open() })
	}
	<-sl.ready
	if sl.err != nil {
		return none, sl.err
	}
	return typed[T](name, sl.value)
}

// Get returns the part under name, if it was made.
func Get[T any](s *Session, name string) (part T, ok bool) {
	s.mu.Lock()
	sl := s.slots[name]
	s.mu.Unlock()
	if sl == nil {
		return part, false
	}
	<-sl.ready
	part, ok = sl.value.(T)
	return part, ok
}

// claim returns the slot of a name; mine says that the caller has to fill it.
func (s *Session) claim(name string) (sl *slot, mine bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, false, fmt.Errorf("job %s: %w", s.id, ErrClosed)
	}
	if sl = s.slots[name]; sl != nil {
		return sl, false, nil
	}
	sl = &slot{ready: make(chan struct{})}
	s.slots[name] = sl
	s.making.Add(1)
	return sl, true, nil
}

// fill makes the part of a claimed slot.
func (s *Session) fill(name string, sl *slot, open func() (any, error)) {
	sl.err = fmt.Errorf("%s: panicked while opening", name) // stands if open does not return
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if sl.err != nil {
			delete(s.slots, name)
		} else {
			s.made = append(s.made, sl)
		}
		close(sl.ready)
		s.making.Done()
	}()
	sl.value, sl.err = open()
}

func typed[T any](name string, value any) (T, error) {
	part, ok := value.(T)
	if !ok {
		return part, fmt.Errorf("%s: has type %T, requested as %T", name, value, part)
	}
	return part, nil
}

// Close ends the session: from now on [Find] and [Part] refuse it. It closes the parts, the last one made first, and
// returns what went wrong, joined. Parts in the making are waited for and closed too. A second call waits for the
// first and returns the same.
func (s *Session) Close() error {
	s.mu.Lock()
	again := s.closing
	s.closing = true
	s.mu.Unlock()
	if again {
		<-s.closed
		return s.closeErr
	}
	forget(s)
	s.making.Wait()
	var errs []error
	for _, sl := range slices.Backward(s.made) { // closing: nothing is added any more
		if c, ok := sl.value.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	s.closeErr = errors.Join(errs...)
	close(s.closed)
	return s.closeErr
}

// shared holds what all jobs of this process share.
var shared = struct {
	sync.Mutex
	values map[any]any
}{values: map[any]any{}}

// Shared returns what all jobs of this process share under key, calling open the first time; it is kept as long as the
// process lives. It is for what is costly to open and the same for every job, such as a pack's nets. key should be
// of a type of the caller's own. An error of open is returned and not remembered.
func Shared[K comparable, T any](key K, open func() (T, error)) (T, error) {
	shared.Lock()
	defer shared.Unlock()
	if value, ok := shared.values[key].(T); ok {
		return value, nil
	}
	value, err := open()
	if err == nil {
		shared.values[key] = value
	}
	return value, err
}

// Unshare forgets what is shared under key, and returns it; false when nothing is.
func Unshare[K comparable, T any](key K) (T, bool) {
	shared.Lock()
	defer shared.Unlock()
	value, ok := shared.values[key].(T)
	delete(shared.values, key)
	return value, ok
}
