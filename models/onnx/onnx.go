// Package onnx looks into ONNX files without a runtime, and rewrites what must be rewritten so that a file can stand
// alone in a pack. It knows the few messages of onnx.proto that this takes, by their field numbers.
package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto (ONNX 1.x; they never change).
const (
	modelGraph     = 7
	modelMetadata  = 14
	modelFunctions = 25

	graphNode        = 1
	graphInitializer = 5
	graphOutput      = 12
	graphSparse      = 15

	functionNode = 7

	nodeInput     = 1
	nodeOutput    = 2
	nodeOpType    = 4
	nodeAttribute = 5

	attributeTensor        = 5
	attributeGraph         = 6
	attributeTensors       = 10
	attributeGraphs        = 11
	attributeSparseTensor  = 22
	attributeSparseTensors = 23

	sparseValues  = 1
	sparseIndices = 2

	tensorName         = 8
	tensorRawData      = 9
	tensorExternalData = 13
	tensorDataLocation = 14

	entryKey   = 1
	entryValue = 2

	valueName = 1
)

const external = 1 // TensorProto.DataLocation

// Model is what a file says of itself.
type Model struct {
	Metadata  map[string]string // metadata_props
	External  []string          // files, as they are named, that hold weights of the model
	Softmax   bool              // the only output is that of a Softmax, perhaps reshaped: probabilities
	Quantised bool              // it computes with integers, at least in part (QDQ)
}

// Read looks through the bytes of an ONNX file.
func Read(b []byte) (Model, error) {
	m := Model{Metadata: map[string]string{}}
	seen := map[string]bool{}
	tensors := func(t []byte) ([]byte, error) {
		where, err := externalData(t)
		if err != nil || where == nil {
			return t, err
		}
		if file := where["location"]; !seen[file] {
			seen[file] = true
			m.External = append(m.External, file)
		}
		return t, nil
	}
	if _, err := rewriteModel(b, tensors); err != nil {
		return m, fmt.Errorf("not an ONNX file: %w", err)
	}
	err := fields(b, func(f field) error {
		switch f.number {
		case modelMetadata:
			key, value, err := entry(f.bytes)
			m.Metadata[key] = value
			return err
		case modelGraph:
			var err error
			m.Softmax, m.Quantised, err = operators(f.bytes)
			return err
		}
		return nil
	})
	if err != nil {
		return m, fmt.Errorf("not an ONNX file: %w", err)
	}
	return m, nil
}

// reshaping are the operators that leave the values of a tensor as they are.
var reshaping = map[string]bool{"Identity": true, "Reshape": true, "Flatten": true, "Squeeze": true, "Unsqueeze": true, "Cast": true}

// operators follows the only output of a graph to the operator that makes its values, and looks for values that were quantised.
func operators(graph []byte) (softmax, quantised bool, err error) {
	type node struct{ op, input string }
	made := map[string]node{}
	var outputs []string
	err = fields(graph, func(f field) error {
		switch f.number {
		case graphNode:
			var n node
			var out []string
			err := fields(f.bytes, func(f field) error {
				switch {
				case f.number == nodeOpType:
					n.op = string(f.bytes)
				case f.number == nodeInput && n.input == "":
					n.input = string(f.bytes)
				case f.number == nodeOutput:
					out = append(out, string(f.bytes))
				}
				return nil
			})
			for _, o := range out {
				made[o] = n
			}
			quantised = quantised || n.op == "DequantizeLinear"
			return err
		case graphOutput:
			return fields(f.bytes, func(f field) error {
				if f.number == valueName {
					outputs = append(outputs, string(f.bytes))
				}
				return nil
			})
		}
		return nil
	})
	if err != nil || len(outputs) != 1 {
		return false, quantised, err
	}
	at := made[outputs[0]]
	for range made { // no longer than the graph, whatever it says
		if !reshaping[at.op] {
			break
		}
		at = made[at.input]
	}
	return at.op == "Softmax", quantised, nil
}

// field is one field of a message: its bytes where it has a length, else its number in varint.
type field struct {
	number protowire.Number
	kind   protowire.Type
	bytes  []byte
	varint uint64
	raw    []byte // the whole field, tag included
}

// fields calls visit for every field of a message, in their order.
func fields(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		length := protowire.ConsumeFieldValue(number, kind, b[n:])
		if length < 0 {
			return protowire.ParseError(length)
		}
		f := field{number: number, kind: kind, raw: b[:n+length]}
		switch kind {
		case protowire.BytesType:
			f.bytes, _ = protowire.ConsumeBytes(b[n:])
		case protowire.VarintType:
			f.varint, _ = protowire.ConsumeVarint(b[n:])
		}
		if err := visit(f); err != nil {
			return err
		}
		b = b[n+length:]
	}
	return nil
}

// entry reads a StringStringEntryProto.
func entry(b []byte) (key, value string, err error) {
	err = fields(b, func(f field) error {
		switch f.number {
		case entryKey:
			key = string(f.bytes)
		case entryValue:
			value = string(f.bytes)
		}
		return nil
	})
	return key, value, err
}
