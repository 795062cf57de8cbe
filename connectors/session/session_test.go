package session

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

func TestCredit(t *testing.T) {
	s := Open("job", 2*FrameCost+100)
	defer s.Close()
	s.Read(2, 99)
	if s.Full() {
		t.Error("full below its limit")
	}
	s.Read(1, 50)
	if !s.Full() {
		t.Error("not full above its limit")
	}
	s.Written(1, 50)
	if s.Full() {
		t.Error("full after room was made")
	}
	if read, written := s.Counts(); read != 3 || written != 1 {
		t.Errorf("read %d, written %d", read, written)
	}
}

func TestTheThreeStatesOfAnID(t *testing.T) {
	s, other := Open("group-a", 10), Open("group-a", 10)
	defer other.Close()
	if found, err := Find(s.ID()); found != s || err != nil {
		t.Errorf("open: found %v, error %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := Find(s.ID()); found != nil || !errors.Is(err, ErrClosed) {
		t.Errorf("closed: found %v, error %v", found, err)
	}
	if found, err := Find(other.ID()); found != other || err != nil {
		t.Errorf("another job of the same name: found %v, error %v", found, err)
	}
	for _, id := range []string{"group-a-0123456789-1", "", "-", process, process + "-1"} {
		found, err := Find(id)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		found.Read(1, 1<<60)
		if again, err := Find(id); again != found || err != nil || found.Full() {
			t.Errorf("elsewhere %q: found %v, error %v, full %v", id, again, err, found.Full())
		}
	}
}

// part records when it is closed.
type part struct {
	name   string
	closed *[]string
	err    error
}

func (p *part) Close() error { *p.closed = append(*p.closed, p.name); return p.err }

func TestPartsAreMadeOnceAndClosedInReverse(t *testing.T) {
	s := Open("job", 0)
	var closed []string
	broken, opened := errors.New("broken"), 0
	open := func(name string, err error) func() (*part, error) {
		return func() (*part, error) { opened++; return &part{name, &closed, err}, nil }
	}
	first, err := Part(s, "first", open("first", broken))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Part(s, "first", open("first", nil)); again != first || err != nil {
		t.Errorf("got %v, error %v", again, err)
	}
	if _, err := Part(s, "never", func() (*part, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, ok := Get[*part](s, "never"); ok {
		t.Error("a part whose constructor failed exists")
	}
	if _, err := Part(s, "outer", func() (*part, error) {
		if _, err := Part(s, "inner", open("inner", broken)); err != nil {
			return nil, err
		}
		return open("outer", nil)()
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Part(s, "first", func() (int, error) { return 0, nil }); err == nil {
		t.Error("a part was returned as another type")
	}
	if got, ok := Get[*part](s, "first"); got != first || !ok {
		t.Errorf("got %v", got)
	}
	err = s.Close()
	if diff := cmp.Diff([]string{"outer", "inner", "first"}, closed); diff != "" || opened != 3 {
		t.Errorf("%s; opened %d", diff, opened)
	}
	if again := s.Close(); !errors.Is(err, broken) || !errors.Is(again, err) {
		t.Errorf("error %v, then %v", err, s.Close())
	}
	if _, err := Part(s, "late", open("late", nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("a part of a closed session: error %v", err)
	}
	if _, ok := Get[*part](s, "first"); !ok {
		t.Error("the job's results cannot be read after its end")
	}
}

func TestAPanicWhileMakingAPartReleasesWaiters(t *testing.T) {
	s := Open("job", 0)
	func() {
		defer func() { recover() }()
		_, _ = Part(s, "x", func() (int, error) { panic("x") })
	}()
	if n, err := Part(s, "x", func() (int, error) { return 7, nil }); n != 7 || err != nil {
		t.Errorf("%d, error %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

type counter struct{ open *atomic.Int64 }

func (c counter) Close() error { c.open.Add(-1); return nil }

// However bundles race with the end of the job, every part that was made is closed, and none is made afterwards.
func TestCloseAgainstBundlesThatRun(t *testing.T) {
	for range 50 {
		s := Open("job", 0)
		var open atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 20 {
					found, err := Find(s.ID())
					if err == nil {
						_, err = Part(found, fmt.Sprint(i%3, n), func() (counter, error) { open.Add(1); return counter{&open}, nil })
					}
					if err != nil && !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					s.SetDurable(Durable{Topic: "t", Offsets: ranges(int64(n), int64(n+1))})
				}
			})
		}
		wg.Go(func() { s.Close() })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := open.Load(); n != 0 {
			t.Errorf("%d parts are open after Close", n)
		}
		wg.Wait()
		if n := open.Load(); n != 0 {
			t.Errorf("%d parts were made after Close", n)
		}
	}
}

func ranges(from, to int64) (o schemas.Offsets) {
	o.Add(from, to)
	return o
}

func TestListenersAreNotified(t *testing.T) {
	s := Open("job", 0)
	defer s.Close()
	var durable []Durable
	var lost []Lost
	for range 2 {
		s.OnDurable(func(d Durable) {
			durable = append(durable, d)
			if s.NextMissing(d.Topic, d.Partition, 0) != 5 {
				t.Error("reported before it is counted")
			}
		})
		s.OnLost(func(x Lost) { lost = append(lost, x) })
	}
	s.SetDurable(Durable{Topic: "t", Partition: 3, Offsets: ranges(0, 5)})
	s.SetLost(Lost{Topic: "t", From: 1, To: 2})
	if len(durable) != 2 || durable[1].Partition != 3 {
		t.Errorf("durable %v", durable)
	}
	if diff := cmp.Diff([]Lost{{Topic: "t", From: 1, To: 2}, {Topic: "t", From: 1, To: 2}}, lost); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsDurableAddsUp(t *testing.T) {
	s := Open("job", 0)
	defer s.Close()
	s.OnDurable(func(d Durable) {
		if d.Offsets.Contains(0) {
			t.Error("notified of what earlier jobs did")
		}
	})
	s.Begin("frames", map[int32]schemas.Offsets{0: ranges(0, 10), 1: ranges(5, 6)})
	s.SetDurable(Durable{Topic: "frames", Partition: 0, Offsets: ranges(11, 12)})
	s.SetDurable(Durable{Topic: "others", Partition: 1, Offsets: ranges(1, 6)})
	all := s.DurableOffsets("frames")
	for _, c := range []struct {
		partition  int32
		from, want int64
	}{{0, 0, 10}, {0, 10, 10}, {0, 11, 12}, {1, 0, 0}, {1, 5, 6}, {2, 7, 7}} {
		if got := s.NextMissing("frames", c.partition, c.from); got != c.want {
			t.Errorf("partition %d from %d: %d, want %d", c.partition, c.from, got, c.want)
		}
		if o := all[c.partition]; o.Next(c.from) != c.want {
			t.Errorf("partition %d from %d: %d in the copy, want %d", c.partition, c.from, o.Next(c.from), c.want)
		}
	}
	s.SetDurable(Durable{Topic: "frames", Partition: 0, Offsets: ranges(10, 11)})
	if o := all[0]; o.Contains(10) {
		t.Error("the copy changes with the session")
	}
}

func TestSharedIsMadeOnceForAllJobs(t *testing.T) {
	type key struct{ name string }
	opened := 0
	for range 3 {
		n, err := Shared(key{"a"}, func() (*int, error) { opened++; return &opened, nil })
		if err != nil || n != &opened {
			t.Errorf("%v, error %v", n, err)
		}
	}
	broken := errors.New("broken")
	if _, err := Shared(key{"b"}, func() (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if n, err := Shared(key{"b"}, func() (int, error) { return 3, nil }); n != 3 || err != nil || opened != 1 {
		t.Errorf("%d, error %v, opened %d", n, err, opened)
	}
}
