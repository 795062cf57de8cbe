package main

import "testing"

// What bench-edge recorded can be played.
func TestFactsOfBenchEdgeAreRead(t *testing.T) {
	table, pack, err := readFacts("../edge/testdata/cifar10.facts.gz")
	if err != nil {
		t.Fatal(err)
	}
	if frames, sequences := table.Frames(); frames < 1000 || sequences < 10 {
		t.Errorf("%d frames of %d sequences", frames, sequences)
	}
	if len(pack.Specialists) != 1 || pack.Policy.Threshold <= 0 {
		t.Errorf("%+v", pack.Manifest)
	}
	if _, _, err := readFacts("main.go"); err == nil {
		t.Error("a file that is no recording is read")
	}
}

func TestSetsAreParsed(t *testing.T) {
	var o options
	for _, good := range []string{"a=p,f", "b=x.gz"} {
		if err := o.add(good, false); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"a", "a=p", "p,f"} {
		if err := o.add(bad, false); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if len(o.sets) != 2 || o.sets[0].absent() == "" || truth("1_2@someone.jpg") != "someone" || truth("1_2.jpg") != "" {
		t.Errorf("%+v", o.sets)
	}
}

// What people wrote about the figures stays in its place, however often they are measured.
func TestRemarksStay(t *testing.T) {
	before := "# Title\n\nold\n" + remarks + "\n- why\n\n## Cameras\n\nold\n"
	want := "# Title\n\nnew\n" + remarks + "\n- why\n\n## Cameras\n\nnew\n"
	fresh := "# Title\n\nnew\n\n## Cameras\n\nnew\n"
	if got := keepRemarks(before, fresh); got != want {
		t.Errorf("%q", got)
	}
	if got := keepRemarks(want, fresh); got != want {
		t.Errorf("again: %q", got)
	}
	if got := keepRemarks("nothing", fresh); got != fresh {
		t.Errorf("without remarks: %q", got)
	}
	if got := keepRemarks(before, "new\n"); got != "new\n"+remarks+"\n- why\n" {
		t.Errorf("without sections: %q", got)
	}
}
