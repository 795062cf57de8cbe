package models

import (
	"fmt"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/cachenet/cachenet/models/onnx"
)

// standsAlone refuses weights in other files: the runtime would take them from the current folder, and no checksum
// covers them.
func standsAlone(file []byte) error {
	m, err := onnx.Read(file)
	if err != nil { // the runtime might read it all the same, and weights that were not seen here with it
		return fmt.Errorf("not an ONNX model that this runtime reads: %w", err)
	}
	if len(m.External) > 0 {
		return fmt.Errorf("has external data (%s): embed the weights with `cachenet pack import`", strings.Join(m.External, ", "))
	}
	return nil
}

// match finds the net's input and output in the file: a wrong one is an error at load, where the file can be named; at
// Answer it would cost frames.
func (n *Net) match(file []byte, out Output) error {
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(file)
	if err != nil {
		return fmt.Errorf("not an ONNX model that this runtime reads: %w", err)
	}
	in, err := named("input", n.input.Name, ins)
	if err != nil {
		return err
	}
	want := n.input.shape(-1)
	if in.DataType != elementType(n.input.Type) || !fits(in.Dimensions, want[1:]...) {
		return fmt.Errorf("input is %v: the pack needs %s %v", in.String(), or(n.input.Type, Uint8), shapeText(want))
	}
	n.inputName = in.Name
	if in.Dimensions[0] == 1 {
		n.batch = 1
		if n.rooms != nil {
			n.rooms = []int{1}
		}
	}
	a, err := named("output", out.Name, outs)
	if err != nil {
		return err
	}
	n.answer = answer{name: a.Name, element: a.DataType, bytes: 4, probabilities: out.Kind == Probabilities}
	switch a.DataType {
	case ort.TensorElementDataTypeFloat16:
		n.answer.bytes = 2
	case ort.TensorElementDataTypeFloat:
	default:
		return fmt.Errorf("output is %v: the pack needs float32 or float16", a.String())
	}
	n.answer.tail, err = tail(a.Dimensions, n.outputs)
	if err != nil {
		return fmt.Errorf("output is %v: %w", a.String(), err)
	}
	return nil
}

// named picks the input or output with a name; without one there must be one only.
func named(what, name string, all []ort.InputOutputInfo) (ort.InputOutputInfo, error) {
	var names []string
	for _, i := range all {
		if i.Name == name || name == "" && len(all) == 1 {
			return i, nil
		}
		names = append(names, i.Name)
	}
	if name == "" {
		return ort.InputOutputInfo{}, fmt.Errorf("%d %ss (%s): name the one to use", len(all), what, strings.Join(names, ", "))
	}
	return ort.InputOutputInfo{}, fmt.Errorf("no %s %q, only %s", what, name, strings.Join(names, ", "))
}

// fits reports whether shape is [any or 1, want…], where a dimension that the file leaves open fits.
func fits(shape ort.Shape, want ...int64) bool {
	if len(shape) != len(want)+1 || shape[0] > 1 {
		return false
	}
	for i, d := range want {
		if shape[i+1] > 0 && shape[i+1] != d {
			return false
		}
	}
	return true
}

// tail returns the dimensions behind the frames: outputs, with dimensions of 1 around it as some exporters leave them.
func tail(shape ort.Shape, outputs int) ([]int64, error) {
	err := fmt.Errorf("the pack needs [N %d]", outputs)
	if len(shape) < 2 || shape[0] > 1 {
		return nil, err
	}
	var out []int64
	found := false
	for _, d := range shape[1:] {
		switch {
		case !found && (d == int64(outputs) || d < 1 && len(shape) == 2):
			found, d = true, int64(outputs)
		case d != 1:
			return nil, err
		}
		out = append(out, d)
	}
	if !found {
		return nil, err
	}
	return out, nil
}

func shapeText(shape []int64) string {
	return strings.Replace(fmt.Sprint(shape), "-1", "N", 1)
}
