package models

import (
	"errors"
	"fmt"
	"math"

	"github.com/cachenet/cachenet/models/picture"
)

// Layouts, element types and channel orders of a net's input; the first of each is the default.
const (
	NHWC = "nhwc" // [frames, height, width, channels]
	NCHW = "nchw" // [frames, channels, height, width]

	Uint8   = "uint8"
	Float32 = "float32"
	Float16 = "float16"

	RGB  = "rgb"
	BGR  = "bgr"
	Gray = "gray" // one channel: ITU-R BT.601 luma
)

// Kinds of a net's output.
const (
	Logits        = "logits"        // any numbers; softmax makes probabilities of them; the default
	Probabilities = "probabilities" // 0 … 1, summing to 1; read as their logarithms, which softmax turns back
)

// Input is what a net takes, and how a frame becomes it: decoded as the view says, then (level·scale − mean) / std
// for each channel, in the order of Channels.
type Input struct {
	picture.View
	Name     string    `json:"name,omitempty"`     // of the ONNX input; empty: the only one
	Layout   string    `json:"layout,omitempty"`   // NHWC or NCHW
	Type     string    `json:"type,omitempty"`     // Uint8, Float32 or Float16
	Channels string    `json:"channels,omitempty"` // RGB, BGR or Gray
	Scale    float32   `json:"scale,omitempty"`    // of levels 0 … 255; 0: 1
	Mean     []float32 `json:"mean,omitempty"`     // one a channel, or one for all; empty: 0
	Std      []float32 `json:"std,omitempty"`      // one a channel, or one for all; empty: 1
}

// Output is what a net answers: float32 or float16 [frames, outputs].
type Output struct {
	Name string `json:"name,omitempty"` // of the ONNX output; empty: the only one
	Kind string `json:"kind,omitempty"` // Logits or Probabilities
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// channels is the number of values of a pixel.
func (in Input) channels() int {
	if in.Channels == Gray {
		return 1
	}
	return 3
}

// Validate reports what is wrong with the input.
func (in Input) Validate() error {
	if err := in.View.Validate(); err != nil {
		return err
	}
	for _, c := range []struct {
		what, value string
		known       []string
	}{
		{"layout", or(in.Layout, NHWC), []string{NHWC, NCHW}},
		{"type", or(in.Type, Uint8), []string{Uint8, Float32, Float16}},
		{"channels", or(in.Channels, RGB), []string{RGB, BGR, Gray}},
	} {
		if err := oneOf(c.what, c.value, c.known); err != nil {
			return err
		}
	}
	normalised := in.Scale != 0 || len(in.Mean) > 0 || len(in.Std) > 0
	if normalised && or(in.Type, Uint8) == Uint8 {
		return errors.New("scale, mean and std belong to inputs of type float32 or float16: a uint8 input takes pixel values unchanged")
	}
	if !(in.Scale >= 0 && in.Scale <= math.MaxFloat32) {
		return fmt.Errorf("scale %v: must be a number above 0", in.Scale)
	}
	for what, values := range map[string][]float32{"mean": in.Mean, "std": in.Std} {
		if n := len(values); n > 1 && n != in.channels() {
			return fmt.Errorf("%s has %d values: one, or one for each of %d channels", what, n, in.channels())
		}
		for _, v := range values {
			if v-v != 0 || what == "std" && v <= 0 {
				return fmt.Errorf("%s %v: must be finite, and std above 0", what, v)
			}
		}
	}
	return nil
}

func (o Output) validate() error {
	return oneOf("output kind", or(o.Kind, Logits), []string{Logits, Probabilities})
}

func oneOf(what, value string, known []string) error {
	for _, k := range known {
		if value == k {
			return nil
		}
	}
	return fmt.Errorf("%s %q: must be one of %v", what, value, known)
}

// shape is that of the tensor of n frames.
func (in Input) shape(n int64) []int64 {
	h, w, c := int64(in.Height), int64(in.Width), int64(in.channels())
	if in.Layout == NCHW {
		return []int64{n, c, h, w}
	}
	return []int64{n, h, w, c}
}

// level is the value that level v of channel c (in the net's order) becomes.
func (in Input) level(c, v int) float32 {
	x := float32(v)
	if in.Scale != 0 {
		x *= in.Scale
	}
	if len(in.Mean) > 0 {
		x -= in.Mean[min(c, len(in.Mean)-1)]
	}
	if len(in.Std) > 0 {
		x /= in.Std[min(c, len(in.Std)-1)]
	}
	return x
}

// InputSize is the input of the nets that have none of their own: its size in pixels, 8 … 1024 a side, and how frames of
// another shape fill it.
type InputSize struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Resize string `json:"resize,omitempty"` // as in picture.View; empty: picture.Stretch
	Filter string `json:"filter,omitempty"` // as in picture.View; empty: picture.Bilinear
}

// View is how the net looks at a frame.
func (s InputSize) View() picture.View {
	return picture.View{Width: s.Width, Height: s.Height, Resize: s.Resize, Filter: s.Filter}
}

// Bytes is the length of one frame's pixels.
func (s InputSize) Bytes() int { return s.View().Bytes() }
