// Package frames holds what can be produced into a frames topic: sequences of encoded images of known
// classes. [Scenes] renders them, [Images] reads them from a folder, [Schedule] plays them as streams
// that show few classes at a time, and [Export] writes them out as an image folder for training.
//
// Everything here is a pure function of its arguments: the same seeds give the same frames.
package frames

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
)

// Source is a set of classes and sequences of each. Its methods may be called concurrently.
type Source interface {
	// Classes returns the names of the classes, sorted. The caller must not change them.
	Classes() []string
	// Play yields the frames of one sequence of Classes()[class], in order; the seed chooses the
	// sequence. It yields at least one image, and ends after the first error.
	Play(class int, seed uint64) iter.Seq2[Image, error]
}

// Image is one frame as it will be published.
type Image struct {
	Bytes       []byte // encoded; the receiver's own
	ContentType string // schemas.JPEG or schemas.PNG
}

// newRand returns a generator of its own for each purpose (at most 8 letters) and up to three numbers,
// so that no two parts of the package draw the same values from one user's seed.
func newRand(purpose string, numbers ...uint64) *rand.Rand {
	var key [32]byte
	copy(key[:8], purpose)
	for i, n := range numbers {
		binary.LittleEndian.PutUint64(key[8*(i+1):], n)
	}
	return rand.New(rand.NewChaCha8(key))
}
