package picture

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The training project, which is installed without this one, leaves out the same names.
func TestTrainingLeavesOutTheSameNames(t *testing.T) {
	text, err := os.ReadFile("../train/cachenet_train/folder.py")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)CLUTTER = \{(.*?)\}`).FindSubmatch(text)
	if list == nil {
		t.Fatal("folder.py has no CLUTTER")
	}
	names := regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(string(list[1]), -1)
	for _, n := range names {
		if name := strings.ReplaceAll(n[1], `\r`, "\r"); !Leftover(strings.ToUpper(name)) {
			t.Errorf("only folder.py leaves out %q", name)
		}
	}
	if len(names) != len(leftovers) {
		t.Errorf("%d names there, %d here", len(names), len(leftovers))
	}
}

func TestLeftover(t *testing.T) {
	for name, want := range map[string]bool{".DS_Store": true, "__MACOSX": true, "Thumbs.db": true, "cat": false, "recycle": false} {
		if Leftover(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
