package models

import (
	"errors"
	"fmt"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Provider is what of ONNX Runtime a net runs on, by its execution providers.
type Provider string

// Execution providers that the full model may run on. All but CPU take a build of ONNX Runtime that has them.
const (
	CPU      Provider = "cpu"
	CUDA     Provider = "cuda"
	TensorRT Provider = "tensorrt" // what it cannot run, CUDA runs
	OpenVINO Provider = "openvino"
)

// acceleratorBatch is how many frames go through a net in one call on anything but a CPU: it is kept busy by more
// frames than gain a CPU anything (MaxBatch). Chosen by rule of thumb, not measured.
const acceleratorBatch = 64

// Validate reports a provider that is not known; empty is CPU.
func (p Provider) Validate() error {
	switch p {
	case "", CPU, CUDA, TensorRT, OpenVINO:
		return nil
	}
	return fmt.Errorf("provider %q: must be %s, %s, %s or %s", string(p), CPU, CUDA, TensorRT, OpenVINO)
}

// Accelerated reports whether it is anything but the CPU.
func (p Provider) Accelerated() bool { return p != "" && p != CPU }

// Batch is how many frames go through a net in one call; more are split.
func (p Provider) Batch() int {
	if p.Accelerated() {
		return acceleratorBatch
	}
	return MaxBatch
}

// use makes a session run on the provider, the first device of its kind.
func (p Provider) use(o *ort.SessionOptions) (err error) {
	switch p {
	case CUDA:
		err = useCUDA(o)
	case TensorRT:
		err = errors.Join(useTensorRT(o), useCUDA(o))
	case OpenVINO:
		err = o.AppendExecutionProviderOpenVINO(nil)
	}
	if err == nil {
		return nil
	}
	lib, _ := libraryPath() // it was loaded from there
	first, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("provider %s: ONNX Runtime %s cannot use it: set %s to a build that can, or leave --provider out: %s", p, lib, LibraryEnv, first)
}

func useCUDA(o *ort.SessionOptions) error {
	options, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	return errors.Join(o.AppendExecutionProviderCUDA(options), options.Destroy())
}

func useTensorRT(o *ort.SessionOptions) error {
	options, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	return errors.Join(o.AppendExecutionProviderTensorRT(options), options.Destroy())
}
