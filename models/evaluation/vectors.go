package evaluation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/cachenet/cachenet/models"
)

// vectorTolerance is how far the serving runtime's logits may be from those recorded at training, where these do not say.
const vectorTolerance = 1e-3

// vectors are frames and the logits that training recorded for them.
type vectors struct {
	Frames    []byte      `json:"frames_base64"` // uint8 NHWC
	Logits    [][]float32 `json:"logits"`
	Tolerance float64     `json:"tolerance"` // wider for int8 nets, where another runtime may round a value the other way
}

// checkVectors compares a loaded net with the answers that training recorded next to its file, if it did.
func (e Net) checkVectors(net *models.Net) error {
	path := strings.TrimSuffix(filepath.Join(e.Dir, filepath.FromSlash(e.File)), ".onnx") + ".vectors.json"
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("test vectors: %w", err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if v.Tolerance == 0 {
		v.Tolerance = vectorTolerance
	}
	got, err := net.Run(v.Frames, len(v.Logits))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i, row := range v.Logits {
		for o, want := range row {
			if at := i*len(row) + o; at >= len(got) || !(math.Abs(float64(got[at]-want)) <= v.Tolerance) {
				return fmt.Errorf("%s: frame %d, output %d differs from training's by more than %v: export the net again", path, i, o, v.Tolerance)
			}
		}
	}
	return nil
}
