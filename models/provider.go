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

// acceleratorBatch is how many frames go through a net in one call on anything but a CPU. On an H100 calls of 64 answer 1.1
// (ResNet-50) to 3 times (the bundled model) as many frames/s as calls of 16 (docs/gpu.md).
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

// rooms are the numbers of frames that calls are padded to, each with a session of its own; nil: any number, in one session.
// The CUDA provider plans its convolutions again whenever a session gets another number of frames than in the call before:
// 15 ms instead of 0.3 for the bundled model on an H100.
func (p Provider) rooms() []int {
	if p.Accelerated() {
		return []int{4, 16, acceleratorBatch}
	}
	return nil
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
	if err = options.Update(cudaOptions()); err == nil {
		err = o.AppendExecutionProviderCUDA(options)
	}
	return errors.Join(err, options.Destroy())
}

func useTensorRT(o *ort.SessionOptions) error {
	options, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	return errors.Join(o.AppendExecutionProviderTensorRT(options), options.Destroy())
}

// cudaOptions are settings of ONNX Runtime's CUDA provider that differ from its own. prefer_nhwc is not one of them: it is
// faster for a ResNet-50, and makes an EfficientNet-Lite0 2.7 times slower (docs/gpu.md).
func cudaOptions() map[string]string {
	return map[string]string{
		"cudnn_conv_algo_search": "HEURISTIC", // trying every algorithm, the default, found no faster one for a ResNet-50
	}
}
