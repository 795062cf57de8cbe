package frames

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/schemas"
)

func newScenes(t testing.TB, size int) *scenes {
	t.Helper()
	s, err := Scenes(size)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*scenes)
}

func play(t testing.TB, s Source, class int, seed uint64) [][]byte {
	t.Helper()
	var all [][]byte
	for image, err := range s.Play(class, seed) {
		if err != nil {
			t.Fatal(err)
		}
		if image.ContentType != schemas.JPEG {
			t.Fatalf("content type %q", image.ContentType)
		}
		all = append(all, image.Bytes)
	}
	return all
}

func TestScenesHasClassesInOrder(t *testing.T) {
	classes := newScenes(t, DefaultSize).Classes()
	if len(classes) != 48 || !slices.IsSorted(classes) || len(slices.Compact(slices.Clone(classes))) != 48 {
		t.Errorf("want 48 different names in order, got %d: %v", len(classes), classes)
	}
}

func TestScenesAreJPEGOfTheRequestedSize(t *testing.T) {
	for _, size := range []int{minSize, DefaultSize, 97} {
		all := play(t, newScenes(t, size), 5, 1)
		if len(all) < 30 || len(all) > 40 {
			t.Errorf("a sequence of %d frames, want 30 to 40", len(all))
		}
		config, err := jpeg.DecodeConfig(bytes.NewReader(all[0]))
		if err != nil || config.Width != size || config.Height != size {
			t.Errorf("size %d: %d×%d, %v", size, config.Width, config.Height, err)
		}
	}
	for _, size := range []int{-1, 0, minSize - 1, maxSize + 1} {
		if _, err := Scenes(size); err == nil {
			t.Errorf("size %d: no error", size)
		}
	}
}

func TestScenesRepeatAndDiffer(t *testing.T) {
	s := newScenes(t, DefaultSize)
	for class := 0; class < len(s.names); class += 7 {
		seed := uint64(class)
		first := play(t, s, class, seed)
		if !cmp.Equal(first, play(t, s, class, seed)) {
			t.Fatalf("%s: the same sequence played again differs", s.names[class])
		}
		if bytes.Equal(first[0], play(t, s, class, seed+1)[0]) {
			t.Errorf("%s: seeds %d and %d start with the same frame", s.names[class], seed, seed+1)
		}
		for i := 1; i < len(first); i++ {
			if bytes.Equal(first[i], first[i-1]) {
				t.Errorf("%s: frames %d and %d are the same", s.names[class], i-1, i)
			}
		}
	}
}

// The bundled pack was trained on what this renderer drew: a change here is a change of the data.
func TestScenesPixelsDoNotChange(t *testing.T) {
	const want = "38df47f3cca615790908411897093da524ed1c006603bd27b21d04a5561ae201"
	if runtime.GOARCH != "amd64" {
		t.Skip("other architectures may fuse a multiplication and an addition, and round otherwise")
	}
	s, sum := newScenes(t, DefaultSize), sha256.New()
	for class := range s.names {
		rng := newRand("scene", uint64(class), 1)
		scene, canvas := newScene(rng, s.outline[class], s.pattern[class]), newCanvas(s.size, s.size)
		for i := range scene.frames {
			scene.draw(canvas, i, rng)
			sum.Write(canvas.out.Pix)
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("the renderer's pixels have changed (sha256 %s, want %s): revert the change or retrain the bundled pack", got, want)
	}
}

// Classes must be distinguishable: the same scene drawn as two classes differs where the object is.
func TestScenesShowTheirClass(t *testing.T) {
	s := newScenes(t, DefaultSize)
	drawn := func(class int) []byte {
		rng := newRand("test")
		scene, canvas := newScene(rng, s.outline[class], s.pattern[class]), newCanvas(s.size, s.size)
		scene.draw(canvas, 0, rng)
		return canvas.out.Pix
	}
	seen := map[string]string{}
	for class, name := range s.names {
		pixels := string(drawn(class))
		if other, ok := seen[pixels]; ok {
			t.Errorf("%s and %s look the same", other, name)
		}
		seen[pixels] = name
	}
}

func BenchmarkScenes(b *testing.B) {
	s := newScenes(b, DefaultSize)
	frames := 0
	for seed := uint64(0); b.Loop(); seed++ {
		for _, err := range s.Play(int(seed)%len(s.names), seed) {
			if err != nil {
				b.Fatal(err)
			}
			frames++
		}
	}
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
}
