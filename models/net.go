package models

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// Names of every net's input and output.
const (
	inputName  = "frames" // uint8 [N, height, width, 3], RGB
	outputName = "logits" // float32 [N, outputs]
)

// Net is a loaded ONNX net. Run may be called concurrently; Close must not run beside Run.
type Net struct {
	session *ort.DynamicAdvancedSession
	size    InputSize
	outputs int
	buffers sync.Pool // *buffers for one frame
}

type buffers struct {
	in  *ort.Tensor[uint8]
	out *ort.Tensor[float32]
}

// slots bounds the inferences under way: more than one a core only adds switching.
var slots = make(chan struct{}, runtime.NumCPU())

// LoadNet makes a net of an ONNX file's bytes and checks its input and output against the size and the
// number of outputs that are expected of it.
func LoadNet(onnx []byte, size InputSize, outputs int) (*Net, error) {
	if err := Start(); err != nil {
		return nil, err
	}
	if err := checkShapes(onnx, size, outputs); err != nil {
		return nil, err
	}
	options, err := sessionOptions()
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	defer options.Destroy()
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(onnx, []string{inputName}, []string{outputName}, options)
	if err != nil {
		return nil, fmt.Errorf("load session: %w", err)
	}
	return &Net{session: s, size: size, outputs: outputs}, nil
}

// sessionOptions are those of one thread a session: parallelism comes from many streams, and a thread
// pool for each of a hundred specialists would cost more than the nets.
func sessionOptions() (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	for _, set := range []func() error{
		func() error { return o.SetIntraOpNumThreads(1) },
		func() error { return o.SetInterOpNumThreads(1) },
		func() error { return o.SetExecutionMode(ort.ExecutionModeSequential) },
		func() error { return o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0") },
		func() error { return o.AddSessionConfigEntry("session.use_env_allocators", "1") },
	} {
		if err := set(); err != nil {
			o.Destroy()
			return nil, err
		}
	}
	return o, nil
}

// checkShapes finds a wrong input or output at load, where the file can be named; at Run it would cost frames.
func checkShapes(onnx []byte, size InputSize, outputs int) error {
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(onnx)
	if err != nil {
		return fmt.Errorf("not an ONNX model that this runtime reads: %w", err)
	}
	if len(ins) != 1 || ins[0].Name != inputName || ins[0].DataType != ort.TensorElementDataTypeUint8 ||
		!fits(ins[0].Dimensions, int64(size.Height), int64(size.Width), 3) {
		return fmt.Errorf("input is %v: the pack needs %q uint8 [N %d %d 3]", ins, inputName, size.Height, size.Width)
	}
	if len(outs) != 1 || outs[0].Name != outputName || outs[0].DataType != ort.TensorElementDataTypeFloat ||
		!fits(outs[0].Dimensions, int64(outputs)) {
		return fmt.Errorf("output is %v: the pack needs %q float32 [N %d]", outs, outputName, outputs)
	}
	return nil
}

// fits reports whether shape is [any, tail…].
func fits(shape ort.Shape, tail ...int64) bool {
	if len(shape) != len(tail)+1 || shape[0] > 0 && shape[0] != 1 {
		return false
	}
	for i, d := range tail {
		if shape[i+1] != d {
			return false
		}
	}
	return true
}

// Run answers n frames given as n·height·width·3 bytes with n·outputs logits.
func (n *Net) Run(pixels []byte, frames int) ([]float32, error) {
	logits, _, err := n.timed(pixels, frames)
	return logits, err
}

// timed is Run that also tells how long the net itself took: waiting for a slot is not the model's time.
func (n *Net) timed(pixels []byte, frames int) ([]float32, time.Duration, error) {
	if want := frames * n.size.Bytes(); len(pixels) != want || frames < 1 {
		return nil, 0, fmt.Errorf("net input: %d bytes for %d frames, expected %d", len(pixels), frames, want)
	}
	b, err := n.borrow(frames)
	if err != nil {
		return nil, 0, err
	}
	copy(b.in.GetData(), pixels)
	slots <- struct{}{}
	start := time.Now()
	err = n.session.Run([]ort.Value{b.in}, []ort.Value{b.out})
	took := time.Since(start)
	<-slots
	if err != nil {
		b.destroy()
		return nil, 0, fmt.Errorf("inference: %w", err)
	}
	logits := append([]float32(nil), b.out.GetData()...)
	if frames == 1 {
		n.buffers.Put(b)
		return logits, took, nil
	}
	b.destroy()
	return logits, took, nil
}

// borrow returns tensors for that many frames; those for one frame are kept, since nearly all calls are of one.
func (n *Net) borrow(frames int) (*buffers, error) {
	if frames == 1 {
		if b, ok := n.buffers.Get().(*buffers); ok {
			return b, nil
		}
	}
	in, err := ort.NewEmptyTensor[uint8](ort.NewShape(int64(frames), int64(n.size.Height), int64(n.size.Width), 3))
	if err != nil {
		return nil, fmt.Errorf("input tensor: %w", err)
	}
	out, err := ort.NewEmptyTensor[float32](ort.NewShape(int64(frames), int64(n.outputs)))
	if err != nil {
		_ = in.Destroy() // the first error is the one to tell
		return nil, fmt.Errorf("output tensor: %w", err)
	}
	b := &buffers{in, out}
	// a pool forgets what it holds at a garbage collection, and the runtime's half of a tensor is not Go's
	runtime.SetFinalizer(b, (*buffers).destroy)
	return b, nil
}

func (b *buffers) destroy() {
	runtime.SetFinalizer(b, nil)
	_, _ = b.in.Destroy(), b.out.Destroy() // nobody is there to hear of it
}

// Close frees the session.
func (n *Net) Close() error { return n.session.Destroy() }
