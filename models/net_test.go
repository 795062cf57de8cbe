package models

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/cachenet/cachenet/models/picture"
)

var size8 = picture.View{Width: 8, Height: 8}

var (
	imageNetMean = []float32{0.485, 0.456, 0.406}
	imageNetStd  = []float32{0.229, 0.224, 0.225}
)

func loadNet(t testing.TB, file string, in Input, out Output, outputs int) (*Net, error) {
	t.Helper()
	b, err := os.ReadFile("../testdata/models/" + file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := LoadNet(b, in, out, outputs)
	if err == nil {
		t.Cleanup(func() { n.Close() })
	}
	return n, err
}

// colour fills frames of 8x8 with one colour each.
func colour(colours ...[3]byte) []byte {
	var out []byte
	for _, c := range colours {
		for range 64 {
			out = append(out, c[:]...)
		}
	}
	return out
}

// Nets that compute the same function from different input formats give the same answers.
func TestNetsOfEveryInputFormatAgree(t *testing.T) {
	pixels := colour([3]byte{200, 30, 40}, [3]byte{30, 180, 60}, [3]byte{10, 40, 220}, [3]byte{5, 8, 3}, [3]byte{90, 80, 120})
	plain, err := loadNet(t, "plain.onnx", Input{View: size8}, Output{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.Run(pixels, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		in   Input
		out  Output
		off  float64
	}{
		{"nchw-normalised.onnx", Input{View: size8, Layout: NCHW, Type: Float32, Scale: 1.0 / 255, Mean: imageNetMean, Std: imageNetStd}, Output{}, 1e-4},
		{"nhwc-half.onnx", Input{View: size8, Type: Float16, Scale: 1.0 / 255}, Output{Kind: Logits}, 0.1},
		{"bgr.onnx", Input{View: size8, Type: Float32, Channels: BGR}, Output{}, 1e-4},
		{"uint8-nchw.onnx", Input{View: size8, Layout: NCHW}, Output{}, 1e-4},
		{"open-size.onnx", Input{View: size8, Layout: NCHW, Type: Float32, Scale: 1.0 / 255}, Output{}, 1e-4},
		{"batch-1.onnx", Input{View: size8, Layout: NCHW, Type: Float32, Scale: 1.0 / 255}, Output{}, 1e-4},
		{"two-outputs.onnx", Input{View: size8}, Output{Name: "logits"}, 1e-4},
	} {
		n, err := loadNet(t, c.file, c.in, c.out, 4)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		got, err := n.Run(pixels, 5)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		for i := range want {
			if math.Abs(float64(got[i]-want[i])) > c.off {
				t.Errorf("%s: frame %d, output %d is %v, expected %v", c.file, i/4, i%4, got[i], want[i])
			}
		}
	}
}

// Softmax of logits converted from probabilities gives these probabilities.
func TestProbabilitiesBecomeLogits(t *testing.T) {
	n, err := loadNet(t, "softmax.onnx", Input{View: size8}, Output{Kind: Probabilities}, 4)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := loadNet(t, "softmax.onnx", Input{View: size8}, Output{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	pixels := colour([3]byte{90, 80, 120})
	logits, err := n.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	probabilities, err := raw.Run(pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range logits {
		if got, want := math.Exp(float64(l)), float64(probabilities[i]); math.Abs(got-want) > 1e-5 {
			t.Errorf("output %d: %v, expected %v", i, got, want)
		}
	}
}

func TestGray(t *testing.T) {
	n, err := loadNet(t, "gray.onnx", Input{View: size8, Channels: Gray}, Output{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := n.Run(colour([3]byte{20, 20, 20}, [3]byte{200, 220, 210}), 2)
	if err != nil || got[0] < got[1] || got[2] > got[3] {
		t.Errorf("%v, %v", got, err)
	}
}

func TestNetsThatDoNotFitAreNamed(t *testing.T) {
	f32 := Input{View: size8, Type: Float32, Layout: NCHW}
	for _, c := range []struct {
		file    string
		in      Input
		out     Output
		outputs int
		want    string
	}{
		{"plain.onnx", f32, Output{}, 4, "needs float32 [N 3 8 8]"},
		{"plain.onnx", Input{View: picture.View{Width: 16, Height: 16}}, Output{}, 4, "needs uint8 [N 16 16 3]"},
		{"plain.onnx", Input{View: size8}, Output{}, 5, "needs [N 5]"},
		{"plain.onnx", Input{View: size8, Name: "pixels"}, Output{}, 4, `no input "pixels", only frames`},
		{"two-outputs.onnx", Input{View: size8}, Output{}, 4, "2 outputs (logits, unit)"},
		{"external.onnx", Input{View: size8}, Output{}, 4, "has external data (external.onnx.data)"},
		{"external.onnx.data", Input{View: size8}, Output{}, 4, "not an ONNX model"},
	} {
		if _, err := loadNet(t, c.file, c.in, c.out, c.outputs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, expected one that says %q", c.file, err, c.want)
		}
	}
}

func TestNonFiniteAnswersAreErrors(t *testing.T) {
	n, err := loadNet(t, "nan.onnx", Input{View: size8}, Output{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Run(colour([3]byte{200, 30, 40}), 1); !errors.Is(err, ErrNotFinite) {
		t.Errorf("error is %v", err)
	}
	if doubt, err := n.Try(); err != nil || !strings.Contains(doubt, "not a finite number") {
		t.Errorf("%q, %v", doubt, err)
	}
}

// Softmax makes an answer of anything, and of zeros one that names the first class.
func TestProbabilitiesThatAreNoneAreErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, p := range [][]float32{{0, 0, 0, 0}, {0.9, 0.3, -0.2, 0}, {nan, 1, 0, 0}, {inf, 0, 0, 0}, {0.9, 0.8, 0.1, 0.2}, {0.3, 0.1, 0.1, 0.1}, {3, -2, 0, 0}} {
		if err := logarithms(slices.Clone(p)); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v: error %v", p, err)
		}
	}
	for _, p := range [][]float32{{1, 0, 0, 0}, {0.25, 0.25, 0.25, 0.25}, {0.98, 0.01, 0, 0}, {1.01, 0, 0, 0}} {
		q := slices.Clone(p)
		if err := logarithms(q); err != nil || slices.ContainsFunc(q, func(v float32) bool { return v-v != 0 }) {
			t.Errorf("%v became %v, error %v", p, q, err)
		}
	}
	n, err := loadNet(t, "plain.onnx", Input{View: size8}, Output{Kind: Probabilities}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Run(colour([3]byte{200, 30, 40}), 1); !errors.Is(err, ErrNotFinite) {
		t.Errorf("logits were taken for probabilities: error %v", err)
	}
}

// What cannot be looked through may hide weights in other files, so it is not given to the runtime.
func TestAModelThatCannotBeLookedThroughIsRefused(t *testing.T) {
	b, err := os.ReadFile("../testdata/models/plain.onnx")
	if err != nil {
		t.Fatal(err)
	}
	nested := []byte{}
	for range 40 { // graph → node → attribute → graph
		for _, field := range []protowire.Number{6, 5, 1} {
			nested = protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), nested)
		}
	}
	b = protowire.AppendBytes(protowire.AppendTag(b, 7, protowire.BytesType), nested)
	if _, err := LoadNet(b, Input{View: size8}, Output{}, 4); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("error %v", err)
	}
}

func TestTryTellsProbabilitiesFromLogits(t *testing.T) {
	for _, c := range []struct {
		file, kind, doubt, err string
	}{
		{"plain.onnx", Logits, "", ""},
		{"softmax.onnx", Probabilities, "", ""},
		{"softmax.onnx", Logits, "probabilities (softmax)", ""},
		{"plain.onnx", Probabilities, "", "sum to 1"},
		{"alone.onnx", Logits, "cannot take several frames in one call", ""},
	} {
		n, err := loadNet(t, c.file, Input{View: size8}, Output{Kind: c.kind}, 4)
		if err != nil {
			t.Fatal(err)
		}
		doubt, err := n.Try()
		if !strings.Contains(doubt, c.doubt) || c.doubt == "" && c.err == "" && doubt != "" {
			t.Errorf("%s as %s: doubt %q, expected %q", c.file, c.kind, doubt, c.doubt)
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s as %s: error %v, expected %q", c.file, c.kind, err, c.err)
		}
	}
}

func TestAnsweringAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	n, err := loadNet(t, "nchw-normalised.onnx", Input{View: size8, Layout: NCHW, Type: Float32, Scale: 1.0 / 255}, Output{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, frames := range []int{1, 5, MaxBatch} {
		pixels, dst := make([]byte, frames*size8.Bytes()), make([]float32, 4*frames)
		if a := testing.AllocsPerRun(100, func() {
			if _, err := n.Answer(dst, pixels, frames); err != nil {
				t.Error(err)
			}
		}); a >= 1 {
			t.Errorf("%d frames: %v allocations", frames, a)
		}
	}
}

// Batches of every size, from many goroutines, give the same answers as single frames, also where calls are padded.
func TestBatchesAreTheirFrames(t *testing.T) {
	for _, on := range []Provider{CPU, CUDA} {
		t.Run("as on "+string(on), func(t *testing.T) {
			n, err := loadNet(t, "plain.onnx", Input{View: size8}, Output{}, 4)
			if err != nil {
				t.Fatal(err)
			}
			batchesAreTheirFrames(t, planned(n, on))
		})
	}
}

// planned is a net on the CPU whose calls are planned as on the provider.
func planned(n *Net, on Provider) *Net {
	p := *n
	p.rooms, p.batch = on.rooms(), on.Batch()
	p.pools = make([]sync.Pool, p.batch+1)
	for range p.rooms {
		p.sessions = append(p.sessions, n.sessions[0])
	}
	return &p
}

func batchesAreTheirFrames(t *testing.T, n *Net) {
	var wg sync.WaitGroup
	for _, frames := range []int{1, 2, MaxBatch, MaxBatch + 1, 40, 64, 70} {
		var pixels []byte
		for i := range frames {
			pixels = append(pixels, colour([3]byte{byte(6 * i), 255 - byte(5*i), byte(3 * i)})...)
		}
		wg.Go(func() {
			all, err := n.Run(pixels, frames)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range frames {
				one, err := n.Run(pixels[i*192:(i+1)*192], 1)
				if err != nil || !slices.Equal(one, all[4*i:4*i+4]) {
					t.Errorf("%d frames: frame %d is %v, alone %v, %v", frames, i, all[4*i:4*i+4], one, err)
				}
			}
		})
	}
	wg.Wait()
}

// A call on an accelerator has one of few sizes, the smallest that its frames fit into.
func TestRoomsOfAnAccelerator(t *testing.T) {
	n := planned(&Net{sessions: make([]*ort.DynamicAdvancedSession, 1)}, CUDA)
	for frames, want := range map[int]int{1: 4, 4: 4, 5: 16, 16: 16, 17: 64, 64: 64} {
		if room, _ := n.room(frames); room != want {
			t.Errorf("%d frames: room for %d, expected %d", frames, room, want)
		}
	}
	if room, _ := planned(&Net{sessions: n.sessions[:1]}, CPU).room(7); room != 7 {
		t.Errorf("on a CPU: room for %d of 7 frames", room)
	}
}

func TestInvalidInputsAreRefused(t *testing.T) {
	for want, in := range map[string]Input{
		"input 4x8":        {View: picture.View{Width: 4, Height: 8}},
		`layout "hwc"`:     {View: size8, Layout: "hwc"},
		`type "int8"`:      {View: size8, Type: "int8"},
		`channels "rgba"`:  {View: size8, Channels: "rgba"},
		"belong to inputs": {View: size8, Scale: 1.0 / 255},
		"scale -1":         {View: size8, Type: Float32, Scale: -1},
		"mean has 2":       {View: size8, Type: Float32, Mean: []float32{1, 2}},
		"std has 3":        {View: size8, Type: Float32, Channels: Gray, Std: []float32{1, 2, 3}},
		"std 0":            {View: size8, Type: Float32, Std: []float32{0}},
		"mean NaN":         {View: size8, Type: Float32, Mean: []float32{float32(math.NaN())}},
	} {
		if err := in.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, expected one that says %q", err, want)
		}
	}
}

func TestHalvesAreTheNearest(t *testing.T) {
	for v, want := range map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00, 5.9604645e-8: 1, 2.9e-8: 0, 0.333251953125: 0x3555,
		6.097555e-5: 0x3ff, 6.1035156e-5: 0x400, 1.0009765625: 0x3c01, 1.00048828125: 0x3c00, 1.00146484375: 0x3c02,
	} {
		if got := half(v); got != want {
			t.Errorf("half(%v) is %#x, expected %#x", v, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.Uint16().Filter(func(h uint16) bool { return h&0x7c00 != 0x7c00 }).Draw(t, "half")
		if got := half(single(h)); got != h {
			t.Fatalf("%#x becomes %v and then %#x", h, single(h), got)
		}
	})
	if v := single(0x7e00); v == v {
		t.Error("NaN is lost")
	}
}

func BenchmarkAnswer(b *testing.B) {
	n, err := loadNet(b, "plain.onnx", Input{View: size8}, Output{}, 4)
	if err != nil {
		b.Fatal(err)
	}
	for _, frames := range []int{1, MaxBatch} {
		b.Run(fmt.Sprint(frames), func(b *testing.B) {
			pixels, dst := make([]byte, frames*192), make([]float32, 4*frames)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := n.Answer(dst, pixels, frames); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
