package page

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/report"
)

func TestThePageOfAReplay(t *testing.T) {
	c := report.Comparison{Gone: 7}
	c.All.After.Frames, c.All.Changed = 1200, 3
	c.Streams = []report.Change{{Stream: "<b>cam</b>", Changed: 3}}
	c.Streams[0].After.Frames = 1200
	var b bytes.Buffer
	if err := WriteComparison(&b, c, "out", []string{"with threshold=0.9"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1,200 frames, before and after", "with threshold=0.9", "7 frames of the data set have left the topic", "&lt;b&gt;cam"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(b.String(), "http") {
		t.Error("the page asks for something elsewhere")
	}
	if err := WriteComparison(&b, report.Comparison{}, "out", nil); err == nil {
		t.Error("a page without frames")
	}
}
