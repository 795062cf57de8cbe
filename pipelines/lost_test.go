package pipelines

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/parquetio"
)

// losing makes the runner lose jobs. lose returns for the n-th job, from 1, after how many rows; -1: never. It
// returns how many jobs there were.
func losing(c *config, lose func(n int) int64) (jobs *int) {
	jobs = new(int)
	prism := c.runner.execute
	c.runner.execute = func(ctx context.Context, x execution) error {
		*jobs++
		after := lose(*jobs)
		if after < 0 {
			return prism(ctx, x)
		}
		// as when prism loses one: bundles in flight continue, unknown to the supervisor, until the session refuses them
		ended := make(chan error, 1)
		go func() { ended <- prism(ctx, x) }()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			if _, written := x.job.Counts(); written >= after {
				return errLost
			}
			select {
			case err := <-ended:
				return errors.Join(err, errLost)
			case <-tick.C:
			}
		}
	}
	return jobs
}

// supervised is a run before its first job: configured, and its folder locked.
func (s *site) supervised(t *testing.T, o Options) *supervisor {
	t.Helper()
	c, err := configure(o)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := parquetio.Lock(o.Out, o.Topic, o.Group)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unlock(); err != nil {
			t.Error(err)
		}
	})
	return &supervisor{config: c}
}

// A job that the runner loses at its start, midway or at its end is resumed from the files, and none of its late
// bundles adds a row. Repeated losses without a new row end the run; a new row resets the count.
func TestALostJobIsResumed(t *testing.T) {
	for name, c := range map[string]struct {
		lose func(n int) int64
		want reason
		jobs int
	}{
		"never":   {func(int) int64 { return -1 }, reasonDone, 1},
		"at once": {func(n int) int64 { return []int64{0, 0, -1}[n-1] }, reasonDone, 3},
		"midway":  {func(n int) int64 { return []int64{40, 90, 1, -1}[n-1] }, reasonDone, 4},
		"always":  {func(int) int64 { return 0 }, reasonFailed, lostInARow + 1},
		"not in a row": {func(n int) int64 { // the middle one adds rows
			return []int64{0, 0, 0, 0, 40, 0, 0, 0, 0, 0, -1}[n-1]
		}, reasonDone, 11},
		"after the last row": {func(int) int64 { return 1 << 40 }, reasonDone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 1)
			s.fill(t, 5, 20)
			o := s.options(t)
			v := s.supervised(t, o)
			v.scope.ends = map[int32]int64{0: 300}
			jobs := losing(&v.config, func(n int) int64 {
				after := c.lose(n)
				more := int(after) // so that no job is short of rows, however many an earlier one wrote before it was lost
				if after < 0 || after > 300 {
					more = 300 - s.sent
				}
				s.fill(t, 1, more)
				return after
			})
			why, err := v.run(t.Context())
			if why != c.want || *jobs != c.jobs || (err != nil) != (c.want == reasonFailed) {
				t.Errorf("ended %s, %v, after %d jobs; want %s after %d", why, err, *jobs, c.want, c.jobs)
			}
			if c.want == reasonFailed {
				return
			}
			s.rows(t, o.Out)
			if n := v.total.Frames(); n != int64(s.sent) {
				t.Errorf("%d rows counted, %d frames sent", n, s.sent)
			}
		})
	}
}

// With UntilEnd the run ends where the topic ended when the run started, however often its job is lost.
func TestALostJobKeepsTheEndOffsets(t *testing.T) {
	s := newSite(t, 1)
	s.fill(t, 1, 50)
	o := s.options(t)
	v := s.supervised(t, o)
	losing(&v.config, func(n int) int64 {
		if n > 1 {
			return -1
		}
		s.fill(t, 1, 50)
		return 0
	})
	if why, err := v.run(t.Context()); why != reasonDone || err != nil {
		t.Fatalf("ended %s, %v", why, err)
	}
	if n := len(durableRows(t, o.Out)); n != 50 {
		t.Errorf("%d rows, want the 50 of the start", n)
	}
}

// A signal that comes between two jobs ends the run as one that comes during a job does.
func TestAStopBetweenTwoJobs(t *testing.T) {
	s := newSite(t, 1)
	s.fill(t, 1, 50)
	v := s.supervised(t, s.options(t))
	losing(&v.config, func(int) int64 { return 0 })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	resumed := onMessage(t, "the job is resumed from the files", stop)
	if why, err := v.run(ctx); why != reasonStopped || err != nil || !resumed() {
		t.Errorf("ended %s, %v; resumed: %v", why, err, resumed())
	}
}

// A job that is lost while it drains for new partitions is followed by one that reads them; one that is lost while it
// stops is an error, since frames that were read have no row.
func TestAJobLostWhileItDrains(t *testing.T) {
	for name, c := range map[string]struct {
		cause error
		want  reason
	}{"for new partitions": {reasonGrown, reasonStopped}, "for a stop": {nil, reasonFailed}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 1)
			s.fill(t, 2, 50)
			o := s.options(t)
			o.UntilEnd = false
			v := s.supervised(t, o)
			ctx, stop := context.WithCancel(t.Context())
			prism, jobs := v.runner.execute, 0
			v.runner.execute = func(job context.Context, x execution) error {
				if jobs++; jobs > 1 {
					go func() { await(t, func() bool { return len(durableRows(t, o.Out)) == s.sent }); stop() }()
					return prism(job, x)
				}
				if c.cause == nil {
					stop()
				} else if err := kafkatest.AddPartitions(t.Context(), s.cluster.Brokers[0], s.topic, 2); err != nil {
					t.Error(err)
				}
				<-job.Done()
				return errLost
			}
			v.Watch = time.Millisecond
			why, err := v.run(ctx)
			if why != c.want || (err != nil) != (c.want == reasonFailed) {
				t.Errorf("ended %s, %v; want %s", why, err, c.want)
			}
			if c.want != reasonFailed && jobs != 2 {
				t.Errorf("%d jobs", jobs)
			}
		})
	}
}
