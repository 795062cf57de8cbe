package frames

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

// folder creates an image folder whose files contain their own names.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// played returns the sequences of a class that some seeds choose, each as the contents of its frames.
func played(t *testing.T, s Source, class int) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for seed := range uint64(200) {
		var contents []string
		for image, err := range s.Play(class, seed) {
			if err != nil {
				t.Fatal(err)
			}
			contents = append(contents, string(image.Bytes))
		}
		found[strings.Join(contents, " ")] = true
	}
	return found
}

func TestImagesGroupsFramesIntoSequences(t *testing.T) {
	dir := folder(t,
		"cat/a_10.jpg", "cat/a_9.JPG", "cat/b_1.png", "cat/single.jpeg", "cat/a_b_2.jpg", "cat/a_b_1.jpg",
		"cat/notes.txt", "cat/._a_1.jpg", "dog/1.jpg", ".cache/x.jpg", "LICENSE", "__MACOSX/cat/._a_1.jpg", "@eaDir/a_1.jpg",
	)
	s, err := Images(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"cat", "dog"}, s.Classes()); diff != "" {
		t.Fatal(diff)
	}
	want := map[string]bool{
		"cat/a_9.JPG cat/a_10.jpg":    true,
		"cat/a_b_1.jpg cat/a_b_2.jpg": true,
		"cat/b_1.png":                 true,
		"cat/single.jpeg":             true,
	}
	if diff := cmp.Diff(want, played(t, s, 0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]bool{"dog/1.jpg": true}, played(t, s, 1)); diff != "" {
		t.Error(diff)
	}
}

func TestImagesIgnoreSystemFiles(t *testing.T) {
	dir := folder(t,
		"cat/1.jpg", "cat/._1.jpg", "cat/.DS_Store", "cat/Thumbs.db", "cat/desktop.ini", "cat/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg",
		"cat/album.jpg/2.jpg", "__MACOSX/cat/._1.jpg", "@eaDir/cat/1.jpg", "#recycle/1.jpg", "$RECYCLE.BIN/1.jpg",
		"System Volume Information/1.jpg", "lost+found/x", ".Trash-1000/1.jpg", "Thumbs.db", ".DS_Store",
		"#snapshot/1.jpg", "@Recycle/1.jpg", "@Recently-Snapshot/1.jpg", "FOUND.000/1.jpg", "cat/ehthumbs.db",
	)
	for link, to := range map[string]string{
		".lock": "nowhere", "nowhere": "gone", "circle": "circle", "cat/2.jpg": "gone", "cat/3.jpg": "3.jpg", "cat/4.jpg": "album.jpg",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "cat", "5.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	listed, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Listed{{"cat", []string{filepath.Join(dir, "cat", "1.jpg")}}}, listed); diff != "" {
		t.Error(diff)
	}
}

func TestImagesFollowLinks(t *testing.T) {
	dir, other := t.TempDir(), folder(t, "dogs/1.jpg", "one.jpg")
	if err := os.Mkdir(filepath.Join(dir, "cat"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"dog": filepath.Join(other, "dogs"), "cat/9.jpg": filepath.Join(other, "one.jpg")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Listed{{"cat", []string{filepath.Join(dir, "cat/9.jpg")}}, {"dog", []string{filepath.Join(dir, "dog/1.jpg")}}}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Error(diff)
	}
}

func TestImagesContentTypes(t *testing.T) {
	jpeg, png := "\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n\x00"
	for _, test := range [][3]string{
		{"x.jpg", jpeg, schemas.JPEG}, {"x.JPEG", png, schemas.PNG}, {"x.Png", jpeg, schemas.JPEG}, {"x.png", png, schemas.PNG},
		{"x.jpg", "RIFF....WEBP", schemas.JPEG}, {"x.png", "", schemas.PNG}, // neither: the file name decides
	} {
		dir := folder(t, filepath.Join("cat", test[0]))
		if err := os.WriteFile(filepath.Join(dir, "cat", test[0]), []byte(test[1]), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Images(dir)
		if err != nil {
			t.Fatal(err)
		}
		for image, err := range s.Play(0, 1) {
			if err != nil || image.ContentType != test[2] {
				t.Errorf("%s holding %q: %q, want %q (%v)", test[0], test[1], image.ContentType, test[2], err)
			}
		}
	}
	for _, name := range []string{"x.gif", "jpg", "x.jpg_original", "x.jpg~"} {
		if got := typeOfName(name); got != "" {
			t.Errorf("%s: %q, want none", name, got)
		}
	}
}

func TestImagesErrors(t *testing.T) {
	dir := folder(t, "empty/readme.md", "full/1.jpg")
	for name, test := range map[string]struct{ dir, want string }{
		"missing folder": {filepath.Join(dir, "nowhere"), "does not exist"},
		"a file":         {filepath.Join(dir, "full", "1.jpg"), "1.jpg"},
		"no classes":     {filepath.Join(dir, "full"), "no class folders"},
		"empty class":    {dir, `class "empty"`},
	} {
		_, err := Images(test.dir)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, test.want)
		}
	}
}

func TestImagesNamesTheFileItCannotRead(t *testing.T) {
	dir := folder(t, "cat/1.jpg")
	s, err := Images(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "cat", "1.jpg")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Play(0, 0) {
		if err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v, want one that names %s", err, file)
		}
	}
}

func TestImagesPublishesFilesAsTheyAre(t *testing.T) {
	for dir, good := range map[string]bool{"../../testdata/images": true, "../../testdata/bad": false} {
		s, err := Images(dir)
		if err != nil {
			t.Fatal(err)
		}
		for class, name := range s.Classes() {
			for seed := range uint64(20) {
				for image, err := range s.Play(class, seed) {
					if err != nil {
						t.Fatal(err)
					}
					if err := decode(image.Bytes); (err == nil) != good {
						t.Errorf("%s, class %s: an image decodes: %t, want %t (%v)", dir, name, err == nil, good, err)
					}
				}
			}
		}
	}
}

// decode refuses images that are too large before it allocates memory for them, as a reader of frames must.
func decode(encoded []byte) error {
	config, _, err := image.DecodeConfig(bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	if config.Width*config.Height > 1<<24 {
		return fmt.Errorf("%d×%d pixels", config.Width, config.Height)
	}
	_, _, err = image.Decode(bytes.NewReader(encoded))
	return err
}

func TestNaturalOrder(t *testing.T) {
	for _, pair := range [][2]string{
		{"9.jpg", "10.jpg"}, {"a_9", "a_10"}, {"007", "7"}, {"7", "8"}, {"a1b2", "a1b10"}, {"a1b10", "a2"},
		{"99999999999999999998", "99999999999999999999"}, {"a", "ab"}, {"", "a"},
	} {
		if natural(pair[0], pair[1]) >= 0 || natural(pair[1], pair[0]) <= 0 {
			t.Errorf("%q must come before %q", pair[0], pair[1])
		}
	}
}

func FuzzNatural(f *testing.F) {
	f.Add("a_9.jpg", "a_10.jpg", "a_010.jpg")
	f.Add("007", "7", "é7")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if natural(a, b) != -natural(b, a) || (natural(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q have no order", a, b)
		}
		if natural(a, b) < 0 && natural(b, c) < 0 && natural(a, c) >= 0 {
			t.Errorf("%q < %q < %q, but not the first and the last", a, b, c)
		}
	})
}
