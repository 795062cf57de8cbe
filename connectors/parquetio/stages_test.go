package parquetio

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/connectors/session"
)

func TestStagesOfSeveralJobsAddUp(t *testing.T) {
	dir := t.TempDir()
	if sum, err := ReadStages(dir); err != nil || len(sum) > 0 {
		t.Fatalf("before any job: %v, %v", sum, err)
	}
	for range 2 {
		job := session.Open("a/group", 0)
		job.Spent(session.StageDecode, 1500*time.Microsecond, 10)
		job.Close()
		if err := WriteStages(dir, job); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := ReadStages(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"fetch": 0, "decode": 3000, "state": 0, "write": 0}, sum); diff != "" {
		t.Error(diff)
	}
}

func TestDamagedStagesAreAnError(t *testing.T) {
	dir := t.TempDir()
	if err := WritePrivate(dir, "stages-x.json", []byte(`[{"stage":77,"us":1}]`)); err != nil {
		t.Fatal(err)
	}
	if sum, err := ReadStages(dir); err != nil || len(sum) > 0 {
		t.Errorf("a stage of another version: %v, %v", sum, err)
	}
	if err := os.WriteFile(PrivatePath(dir, "stages-y.json"), []byte("["), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadStages(dir); err == nil || !strings.Contains(err.Error(), "stages-y.json") {
		t.Error(err)
	}
}
