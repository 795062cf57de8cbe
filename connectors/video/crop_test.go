package video

import (
	"errors"
	"strings"
	"testing"
)

func TestRegions(t *testing.T) {
	cameras := []Camera{{Name: "gate"}, {Name: "yard"}}
	regions, err := Regions([]string{"door=10,20,30,40", "gate/lane=0,0,5,5", "yard/lane=1,1,2,2", "gate/rest=all"}, cameras)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range cameras {
		for _, r := range of(regions, c) {
			names = append(names, c.Name+"/"+r.Name+" "+r.filter())
		}
	}
	want := "gate/door crop=30:40:10:20:exact=1 gate/lane crop=5:5:0:0:exact=1 gate/rest null yard/door crop=30:40:10:20:exact=1 yard/lane crop=2:2:1:1:exact=1"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestInvalidCrops(t *testing.T) {
	for crop, want := range map[string]string{
		"door":            "must be NAME=x,y,w,h",
		"door=1,2,3":      "four whole numbers",
		"door=1,2,3,x":    `"x" is not a number`,
		"door=-1,2,3,4":   `"-1" is not a number`,
		"door=1,2,0,4":    "at least 1 pixel",
		"=1,2,3,4":        "is not a valid name",
		"/door=1,2,3,4":   "nothing before the /",
		"roof/a=1,2,3,4":  `no source is named "roof"`,
		"gate/a/b=1,2,3,": `is not a number`,
	} {
		_, err := Regions([]string{crop}, []Camera{{Name: "gate"}, {Name: "gate/a"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one that says %q", crop, err, want)
		}
	}
	if _, err := Regions([]string{"door=1,2,3,4", "gate/door=1,2,3,4"}, []Camera{{Name: "gate"}}); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("two regions of one name: got error %v", err)
	}
}

func TestRegionInsideThePicture(t *testing.T) {
	for _, r := range []Region{{}, {w: 320, h: 240}, {x: 319, y: 239, w: 1, h: 1}} {
		if err := r.check(320, 240); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for _, r := range []Region{{w: 321, h: 1}, {y: 239, w: 1, h: 2}, {x: 400, w: 1, h: 1}} {
		if err := r.check(320, 240); !errors.As(err, new(final)) {
			t.Errorf("%+v: got error %v", r, err)
		}
	}
}
