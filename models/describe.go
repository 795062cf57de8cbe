package models

import (
	"fmt"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Tensor is an input or output of an ONNX model, as the model declares it.
type Tensor struct {
	Name  string
	Type  string  // uint8, float32, float16, or what else the runtime calls it
	Shape []int64 // below 1: left open
}

// String is the tensor in one line: its name, type and shape, N for a first dimension that is left open.
func (t Tensor) String() string {
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		switch {
		case d > 0:
			dims[i] = fmt.Sprint(d)
		case i == 0:
			dims[i] = "N"
		default:
			dims[i] = "?"
		}
	}
	return fmt.Sprintf("%q %s [%s]", t.Name, t.Type, strings.Join(dims, " "))
}

// Describe returns what a model, all in its file, takes and answers.
func Describe(file []byte) (inputs, outputs []Tensor, err error) {
	if err := Start(); err != nil {
		return nil, nil, err
	}
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(file)
	if err != nil {
		return nil, nil, fmt.Errorf("not an ONNX model that this runtime reads: %w", err)
	}
	return tensorsOf(ins), tensorsOf(outs), nil
}

func tensorsOf(infos []ort.InputOutputInfo) []Tensor {
	var all []Tensor
	for _, i := range infos {
		t := Tensor{Name: i.Name, Shape: i.Dimensions}
		switch i.DataType {
		case ort.TensorElementDataTypeUint8:
			t.Type = Uint8
		case ort.TensorElementDataTypeFloat:
			t.Type = Float32
		case ort.TensorElementDataTypeFloat16:
			t.Type = Float16
		default:
			t.Type = strings.ToLower(strings.TrimPrefix(i.DataType.String(), "ONNX_TENSOR_ELEMENT_DATA_TYPE_"))
		}
		all = append(all, t)
	}
	return all
}
