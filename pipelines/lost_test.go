package pipelines

import (
	"context"
	"errors"
	"testing"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
)

// A job that the runner loses in its midst, or at once, is resumed from the files; one that it always loses ends.
func TestALostJobIsResumed(t *testing.T) {
	for name, c := range map[string]struct {
		losses int // of jobs; every other one after it has done its work
		want   error
	}{
		"never":     {0, nil},
		"sometimes": {resumptions, nil},
		"always":    {resumptions + 1, errLost},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, 2)
			s.fill(t, 6, 50)
			o := s.options(t)
			unlock, err := parquetio.Lock(o.Out, o.Topic, o.Group) // makes the folders
			if err != nil {
				t.Fatal(err)
			}
			defer unlock()
			pack, err := models.OpenPack(o.Pack)
			if err != nil {
				t.Fatal(err)
			}
			j := job{Options: o, pack: pack.ID()}
			if j.model, err = o.model(pack); err != nil {
				t.Fatal(err)
			}
			if j.nets, err = netsOf(pack, j.model); err != nil {
				t.Fatal(err)
			}
			if j.runner, err = chooseRunner(o); err != nil {
				t.Fatal(err)
			}
			jobs, prism := 0, j.runner.execute
			j.runner.execute = func(ctx context.Context, x execution) error {
				jobs++
				if jobs%2 == 1 || jobs > c.losses {
					if err := prism(ctx, x); err != nil {
						return err
					}
				}
				if jobs <= c.losses {
					return errLost
				}
				return nil
			}
			if err := j.run(t.Context(), part{}); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if want := min(c.losses, resumptions) + 1; jobs != want {
				t.Errorf("%d jobs, want %d", jobs, want)
			}
			s.rows(t, o.Out)
		})
	}
}
