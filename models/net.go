package models

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/cachenet/cachenet/models/picture"
)

// ErrNotFinite is the error of a net that answers NaN or an infinity, or probabilities that are none.
var ErrNotFinite = errors.New("the net's output is not a finite number or not a probability")

// errNoDistribution is in the chain, too, where the answer is said to be probabilities.
var errNoDistribution = errors.New("the outputs are not probabilities that sum to 1")

// MaxBatch is how many frames go through a net on a CPU in one call; more are split. Beyond it a CPU gains nothing.
const MaxBatch = 16

// Net is a loaded ONNX net. Its methods may be called concurrently; Close must not run at the same time as another.
type Net struct {
	sessions  []*ort.DynamicAdvancedSession // one for each of rooms; one for all on a CPU
	rooms     []int                         // ascending frames that the sessions of an accelerator take; nil on a CPU
	input     Input
	inputName string
	answer    answer
	outputs   int // of one frame
	batch     int // frames in one call, at most
	fill      *filler
	pools     []sync.Pool // *tensors for that many frames
}

// answer is what a net puts out.
type answer struct {
	name          string
	element       ort.TensorElementDataType
	bytes         int     // of an element
	tail          []int64 // dimensions after the frames
	probabilities bool
}

func (a answer) shape(frames int64) ort.Shape { return append(ort.NewShape(frames), a.tail...) }

// slots bounds the inferences in flight: more than one a core only adds switching.
var slots = make(chan struct{}, runtime.NumCPU())

// LoadNet makes a net of an ONNX file's bytes and checks its input and output against what is expected of it, and the
// number of outputs a frame. It runs on the CPU.
func LoadNet(file []byte, in Input, out Output, outputs int) (*Net, error) {
	return loadOn(file, in, out, outputs, CPU)
}

func loadOn(file []byte, in Input, out Output, outputs int, on Provider) (*Net, error) {
	if err := Start(); err != nil {
		return nil, err
	}
	if err := standsAlone(file); err != nil {
		return nil, err
	}
	n := &Net{input: in, outputs: outputs, fill: newFiller(in), batch: on.Batch(), rooms: on.rooms()}
	if err := n.match(file, out); err != nil {
		return nil, err
	}
	n.pools = make([]sync.Pool, n.batch+1)
	options, err := sessionOptions(on)
	if err != nil {
		return nil, fmt.Errorf("session options: %w", err)
	}
	defer options.Destroy()
	for range max(1, len(n.rooms)) {
		session, err := ort.NewDynamicAdvancedSessionWithONNXData(file, []string{n.inputName}, []string{n.answer.name}, options)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("load session: %w", err), n.Close())
		}
		n.sessions = append(n.sessions, session)
	}
	return n, nil
}

// sessionOptions are those of one thread a session: parallelism comes from many streams, and a thread
// pool for each of a hundred specialists would cost more than the nets.
func sessionOptions(on Provider) (*ort.SessionOptions, error) {
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
		func() error { return on.use(o) },
	} {
		if err := set(); err != nil {
			o.Destroy()
			return nil, err
		}
	}
	return o, nil
}

// View is how the net looks at a frame.
func (n *Net) View() picture.View { return n.input.View }

// Outputs is the number of logits a frame.
func (n *Net) Outputs() int { return n.outputs }

// Run is Answer into a slice of its own.
func (n *Net) Run(pixels []byte, frames int) ([]float32, error) {
	logits := make([]float32, max(0, frames)*n.outputs)
	_, err := n.Answer(logits, pixels, frames)
	return logits, err
}

// Answer writes the logits of frames to dst, Outputs() of each, given their pixels as View shows them, one frame
// after the other. It returns the time that the net itself took: waiting for a processor is not the model's time. An
// answer that is no finite number is an error. Calls of as many frames as fit one call leave no garbage.
func (n *Net) Answer(dst []float32, pixels []byte, frames int) (time.Duration, error) {
	size := n.input.Bytes()
	if want := frames * size; len(pixels) != want || frames < 1 {
		return 0, fmt.Errorf("net input: %d bytes for %d frames, expected %d", len(pixels), frames, want)
	}
	if want := frames * n.outputs; len(dst) != want {
		return 0, fmt.Errorf("net output: room for %d logits of %d frames, expected %d", len(dst), frames, want)
	}
	var took time.Duration
	for frames > 0 {
		k := min(frames, n.batch)
		t, err := n.call(dst[:k*n.outputs], pixels[:k*size], k)
		if took += t; err != nil {
			return took, err
		}
		dst, pixels, frames = dst[k*n.outputs:], pixels[k*size:], frames-k
	}
	return took, nil
}

// room is how many frames a call has tensors for, and the session that takes so many.
func (n *Net) room(frames int) (int, *ort.DynamicAdvancedSession) {
	for i, room := range n.rooms {
		if frames <= room {
			return room, n.sessions[i]
		}
	}
	return frames, n.sessions[0]
}

// call is Answer for frames of one call of the runtime.
func (n *Net) call(dst []float32, pixels []byte, frames int) (time.Duration, error) {
	room, session := n.room(frames)
	t, ok := n.pools[room].Get().(*tensors)
	if !ok {
		var err error
		if t, err = n.newTensors(room, session); err != nil {
			return 0, err
		}
	}
	from, to := len(pixels)/frames, len(t.input)/room
	for i := range frames {
		n.fill.fill(t.input[i*to:(i+1)*to], pixels[i*from:(i+1)*from])
	}
	slots <- struct{}{}
	start := time.Now()
	err := n.run(t, session)
	took := time.Since(start)
	<-slots
	if err != nil {
		t.free()
		return 0, fmt.Errorf("inference: %w", err)
	}
	t.read(dst, n.answer.bytes)
	n.pools[room].Put(t)
	if n.answer.probabilities {
		for i := range frames {
			if err := logarithms(dst[i*n.outputs : (i+1)*n.outputs]); err != nil {
				return took, err
			}
		}
	}
	for i, v := range dst {
		if v-v != 0 { // NaN or infinite
			return took, fmt.Errorf("%w: output %d is %v", ErrNotFinite, i%n.outputs, v)
		}
	}
	return took, nil
}

// run computes t's answers. An accelerator gets a bound input when it is bound, not when the session runs, so there the
// tensors are handed over with the call.
func (n *Net) run(t *tensors, session *ort.DynamicAdvancedSession) error {
	if n.rooms != nil {
		return session.Run([]ort.Value{t.in}, []ort.Value{t.out})
	}
	return session.RunWithBinding(t.binding)
}

// Close frees the sessions.
func (n *Net) Close() error {
	var errs []error
	for _, session := range n.sessions {
		errs = append(errs, session.Destroy())
	}
	return errors.Join(errs...)
}
