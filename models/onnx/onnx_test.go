package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// message writes fields: pairs of a number and its bytes (string, []byte) or its value (int).
func message(pairs ...any) []byte {
	var out []byte
	for i := 0; i < len(pairs); i += 2 {
		n := protowire.Number(pairs[i].(int))
		switch v := pairs[i+1].(type) {
		case int:
			out = protowire.AppendVarint(protowire.AppendTag(out, n, protowire.VarintType), uint64(v))
		case string:
			out = protowire.AppendString(protowire.AppendTag(out, n, protowire.BytesType), v)
		case []byte:
			out = protowire.AppendBytes(protowire.AppendTag(out, n, protowire.BytesType), v)
		}
	}
	return out
}

func node(op, in, out string) []byte { return message(nodeInput, in, nodeOutput, out, nodeOpType, op) }

// elsewhere is a tensor of 4 bytes in an external file.
func elsewhere(name, file, offset string) []byte {
	return message(1, 1, 2, 1, tensorName, name, tensorExternalData, message(entryKey, "location", entryValue, file),
		tensorExternalData, message(entryKey, "offset", entryValue, offset),
		tensorExternalData, message(entryKey, "length", entryValue, "4"), tensorDataLocation, external)
}

func inside(name, data string) []byte {
	return message(1, 1, 2, 1, tensorName, name, tensorRawData, data)
}

func TestReadDescribesAModel(t *testing.T) {
	output := func(name string) []byte { return message(valueName, name) }
	for name, c := range map[string]struct {
		graph              []byte
		softmax, quantised bool
	}{
		"logits":             {message(graphNode, node("Gemm", "x", "y"), graphOutput, output("y")), false, false},
		"softmax":            {message(graphNode, node("Gemm", "x", "l"), graphNode, node("Softmax", "l", "y"), graphOutput, output("y")), true, false},
		"softmax, reshaped":  {message(graphNode, node("Softmax", "x", "p"), graphNode, node("Reshape", "p", "y"), graphOutput, output("y")), true, false},
		"softmax inside":     {message(graphNode, node("Softmax", "x", "p"), graphNode, node("Gemm", "p", "y"), graphOutput, output("y")), false, false},
		"two outputs":        {message(graphNode, node("Softmax", "x", "y"), graphOutput, output("y"), graphOutput, output("x")), false, false},
		"a loop of reshapes": {message(graphNode, node("Reshape", "y", "y"), graphOutput, output("y")), false, false},
		"int8":               {message(graphNode, node("DequantizeLinear", "w", "x"), graphNode, node("Conv", "x", "y"), graphOutput, output("y")), false, true},
	} {
		m, err := Read(message(modelGraph, c.graph, modelMetadata, message(entryKey, "classes", entryValue, "a,b")))
		if err != nil || m.Softmax != c.softmax || m.Quantised != c.quantised || m.Metadata["classes"] != "a,b" || m.External != nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// Weights occur in initialisers, constants, branches and functions.
func everywhere(tensor func(name string) []byte) []byte {
	constant := func(name string) []byte {
		return message(nodeOpType, "Constant", nodeAttribute, message(1, "value", attributeTensor, tensor(name)))
	}
	branch := message(nodeOpType, "If", nodeAttribute, message(attributeGraph, message(graphInitializer, tensor("d"), graphNode, constant("e"))))
	return message(1, 9, modelGraph, message(graphInitializer, tensor("a"), graphNode, constant("b"), graphNode, branch,
		graphSparse, message(sparseValues, tensor("c"))), modelFunctions, message(functionNode, constant("f")), 8, "last")
}

func TestExternalDataIsFoundAndEmbedded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "weights.data"), []byte("....wxyz"), 0o644); err != nil {
		t.Fatal(err)
	}
	model := everywhere(func(name string) []byte { return elsewhere(name, "weights.data", "4") })
	m, err := Read(model)
	if err != nil || len(m.External) != 1 || m.External[0] != "weights.data" {
		t.Fatalf("%+v, %v", m, err)
	}
	got, err := Embed(model, dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := everywhere(func(name string) []byte { return inside(name, "wxyz") }); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	again, err := Embed(got, t.TempDir())
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("a self-contained model was changed: %v", err)
	}
}

func TestMissingExternalDataIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "short"), []byte("ab"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, tensor := range map[string][]byte{
		"below the model's folder": elsewhere("w", "../etc/passwd", "0"),
		"no such file":             elsewhere("w", "gone", "0"),
		"incomplete":               elsewhere("w", "short", "0"),
		"is not a number":          elsewhere("w", "short", "x"),
		"from -8 on":               elsewhere("w", "short", "-8"),
	} {
		_, err := Embed(message(modelGraph, message(graphInitializer, tensor)), dir)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"w"`) {
			t.Errorf("error is %v, expected one that says %q of tensor w", err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(everywhere(func(name string) []byte { return elsewhere(name, "file", "0") }))
	f.Add(everywhere(func(name string) []byte { return inside(name, "abcd") }))
	f.Add([]byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(b)
		if err != nil || len(m.External) > 0 {
			return
		}
		if got, err := Embed(b, t.TempDir()); err != nil || !bytes.Equal(got, b) {
			t.Errorf("a model without external data was changed: %v", err)
		}
	})
}
