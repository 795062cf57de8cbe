package evaluation

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// models/train, which names the folders, is tested with the same table.
func TestFolderNamesAreThoseOfTraining(t *testing.T) {
	var cases []struct{ Classes, Folders []string }
	b, err := os.ReadFile("../../testdata/folders.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if got := folderNames(c.Classes); !slices.Equal(got, c.Folders) {
			t.Errorf("%q become %q, expected %q", c.Classes, got, c.Folders)
		}
	}
}

func TestFoldersAreTheirClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.SliceOfNDistinct(rapid.String(), 1, 20, rapid.ID).Draw(t, "classes")
		folders, known := folderNames(classes), labelOf(classes)
		for i := range classes {
			if known[classes[i]] != i {
				t.Fatalf("class %q is label %d, expected %d", classes[i], known[classes[i]], i)
			}
			if !slices.Contains(classes, folders[i]) && known[folders[i]] != i {
				t.Fatalf("folder %q is label %d, expected %d", folders[i], known[folders[i]], i)
			}
		}
	})
}

func TestRenamedFoldersAreScored(t *testing.T) {
	shots := labelled([]string{"a/airfield", "red"}, []Sequence{{Class: "a_airfield", Files: []string{"1"}}, {Class: "red", Files: []string{"2"}}, {Class: "violet", Files: []string{"3"}}})
	if want := []shot{{file: "1"}, {file: "2", class: 1, sequence: 1}}; !slices.Equal(shots, want) {
		t.Errorf("%v, expected %v", shots, want)
	}
}
