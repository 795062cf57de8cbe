package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// Frames are compared one by one: what changed, what the full model says of it, and what the topic does not hold any more.
func TestCompare(t *testing.T) {
	before, after := t.TempDir(), t.TempDir()
	write(t, before, 20, func(i int, o *schemas.Outcome) {
		o.Topic, o.Truth, o.Label, o.SpecialistUs, o.FullUs = "frames", "", "cat", 10, 0
		switch i {
		case 4:
			o.Outcome, o.FullUs = schemas.Miss, 400
		case 6:
			o.Label = "dog" // a wrong hit, which the other policy asks the full model about
		case 18, 19:
			o.Topic = "others"
		}
	})
	write(t, after, 16, func(i int, o *schemas.Outcome) { // 16 and 17 are gone
		o.Topic, o.Truth, o.Label, o.SpecialistUs, o.FullUs = "frames", "", "cat", 10, 0
		switch i {
		case 4:
			o.Label = "dog" // a miss that became a wrong hit
		case 6:
			o.Outcome, o.FullUs = schemas.Miss, 400
		case 8:
			o.Label = "dog" // a hit in both: nobody asked the full model
		}
	})
	c, err := Compare(t.Context(), before, after, "frames")
	if err != nil {
		t.Fatal(err)
	}
	a := c.All
	if a.Before.Frames != 16 || a.After.Frames != 16 || c.Gone != 2 || a.Changed != 3 || a.Judged != 2 || a.BeforeAgree != 1 || a.AfterAgree != 1 || a.Agreement() != 0 {
		t.Errorf("%+v", c)
	}
	if a.Before.Us() != 35 || a.After.Us() != 35 || a.Before.HitRate() != 15./16 {
		t.Errorf("%+v", a)
	}
	if len(c.Streams) != 2 || c.Streams[0].Stream != "cam-0" || c.Streams[0].Changed != 3 || c.Streams[1].Changed != 0 {
		t.Errorf("%+v", c.Streams)
	}
	var b bytes.Buffer
	if err := c.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"16 frames of 2 streams", "3 answers changed; the full model's answer is known for 2", "2 frames of the data set have left the topic", "93.8 %"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, b.String())
		}
	}
}
