package parquetio

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/schemas"
)

func failure(offset int64, stage, text string) schemas.Outcome {
	return schemas.Outcome{Topic: "frames", Offset: offset, EventTime: noon, Outcome: schemas.Error, Stage: stage, Error: text}
}

func TestReasonsThatDifferOnlyInNumbersAreMerged(t *testing.T) {
	var sum, more Tally
	for i := range int64(5) {
		o := failure(i, schemas.StageRead, fmt.Sprintf("value of %d bytes", 9000+i))
		sum.add(&o)
		more.add(&o)
	}
	o := failure(9, schemas.StageDecode, "not an image")
	sum.add(&o)
	sum.Merge(more)
	want := []Reason{{schemas.StageRead, "value of 9000 bytes", 10}, {schemas.StageDecode, "not an image", 1}}
	if diff := gocmp.Diff(want, sum.Reasons()); diff != "" || sum.Errors != 11 || sum.Frames() != 11 {
		t.Errorf("%+v: %s", sum, diff)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	var sum Tally
	for i := range int64(1000) {
		o := failure(i, schemas.StageRead, string(rune('A'+i)))
		sum.add(&o)
	}
	reasons := sum.Reasons()
	if len(reasons) != maxReasons+1 || reasons[0] != (Reason{"", "other reasons", 1000 - maxReasons}) {
		t.Errorf("%d reasons, first %+v", len(reasons), reasons[0])
	}
}

// A job counts the rows that it made durable: neither duplicates nor rows written by another job.
func TestTheTallyCountsDurableRows(t *testing.T) {
	for name, shared := range map[string]bool{"alone": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := start(t, WriteConfig{Dir: dir, Shared: shared})
			job := session.Open("job", 0)
			w := start(t, WriteConfig{Job: job.ID(), Dir: dir, Shared: shared, FileAge: time.Hour})
			add(t, before, rowsOf(0, 0, 7)...)
			if shared {
				if err := end(t.Name()); err != nil {
					t.Fatal(err)
				}
			}
			add(t, w, rowsOf(0, 0, 70)...)
			add(t, w, rowsOf(0, 0, 70)...)
			if n := Written(job).Frames(); n != 0 {
				t.Errorf("%d rows counted that are not durable", n)
			}
			if err := job.Close(); err != nil {
				t.Fatal(err)
			}
			want := []int64{50, 10, 10}
			if shared {
				want = []int64{45, 9, 9}
			}
			got := Written(job)
			if diff := gocmp.Diff(want, []int64{got.Hits, got.Misses, got.Errors}); diff != "" {
				t.Error(diff)
			}
			if Written(session.Open("nothing written", 0)).Frames() != 0 {
				t.Error("rows of a job that wrote none")
			}
		})
	}
}
