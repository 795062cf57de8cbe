package schemas

import (
	"strings"
	"testing"
)

func TestAnOriginSurvivesItsText(t *testing.T) {
	f := Frame{Topic: "frames.a-b_c", Partition: 3, Offset: 1 << 40, Image: []byte("image")}
	want := OriginOf("cam-gw.1_x", &f)
	got, err := ParseOrigin(want.String())
	if err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	other := f
	other.Image = []byte("another")
	if OriginOf("cam-gw.1_x", &other) == want {
		t.Error("another frame at the same offset has the same origin")
	}
}

func TestTextsThatAreNoOrigin(t *testing.T) {
	for _, text := range []string{"", "a/b/0/1", "a//0/1/00000000", "a/b/x/1/00000000", "a/b/-1/1/00000000", "a/b/0/-1/00000000", "a/b/0/1/xyz", "a/b/0/1/123456789",
		"/b/0/1/00000000", "a b/b/0/1/00000000", strings.Repeat("a", 101) + "/b/0/1/00000000", "a/b/0/1/00000000/c"} {
		if o, err := ParseOrigin(text); err == nil {
			t.Errorf("%q is read as %+v", text, o)
		}
	}
}
