package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// Embed returns the model with the weights that it keeps in other files of dir, the folder that it was read from,
// taken into it. A model that has none is returned as it is.
func Embed(b []byte, dir string) ([]byte, error) {
	if _, err := Read(b); err != nil {
		return nil, err
	}
	out, err := rewriteModel(b, func(t []byte) ([]byte, error) { return embedTensor(t, dir) })
	if err != nil {
		return nil, fmt.Errorf("embed external data: %w", err)
	}
	if len(out) > math.MaxInt32 {
		return nil, fmt.Errorf("embed external data: the model would have %d bytes: an ONNX file has at most 2 GB", len(out))
	}
	return out, nil
}

// embedTensor replaces a reference to data in a file of dir by the data.
func embedTensor(t []byte, dir string) ([]byte, error) {
	where, err := externalData(t)
	if err != nil || where == nil {
		return t, err
	}
	data, err := readExternal(where, dir)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = fields(t, func(f field) error {
		if f.number != tensorExternalData && f.number != tensorDataLocation && f.number != tensorRawData {
			out = append(out, f.raw...)
		}
		return nil
	})
	out = protowire.AppendTag(out, tensorRawData, protowire.BytesType)
	return protowire.AppendBytes(out, data), err
}

// readExternal reads what location, offset and length name; a file outside of dir is refused.
func readExternal(where map[string]string, dir string) ([]byte, error) {
	location := filepath.FromSlash(where["location"])
	if !filepath.IsLocal(location) {
		return nil, fmt.Errorf("tensor %q: its data is in %q: must be a file below the model's folder", where["tensor"], where["location"])
	}
	f, err := os.Open(filepath.Join(dir, location))
	if err != nil {
		return nil, fmt.Errorf("tensor %q: its data: %w: keep that file next to the model", where["tensor"], err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	offset, length := int64(0), info.Size()
	if s := where["offset"]; s != "" {
		if offset, err = strconv.ParseInt(s, 10, 64); err != nil {
			return nil, fmt.Errorf("tensor %q: offset %q is not a number", where["tensor"], s)
		}
		length -= offset
	}
	if s := where["length"]; s != "" {
		if length, err = strconv.ParseInt(s, 10, 64); err != nil {
			return nil, fmt.Errorf("tensor %q: length %q is not a number", where["tensor"], s)
		}
	}
	if offset < 0 || length < 0 || offset > info.Size()-length {
		return nil, fmt.Errorf("tensor %q: needs %d bytes from %d on of %s, which has %d: the file is incomplete", where["tensor"], length, offset, where["location"], info.Size())
	}
	data := make([]byte, length)
	if _, err := io.ReadFull(io.NewSectionReader(f, offset, length), data); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", where["tensor"], err)
	}
	return data, nil
}

// externalData returns the entries that say where a tensor's data is, and its name as "tensor"; nil where the
// tensor holds its data itself.
func externalData(t []byte) (map[string]string, error) {
	where := map[string]string{}
	elsewhere := false
	err := fields(t, func(f field) error {
		switch f.number {
		case tensorDataLocation:
			elsewhere = f.varint == external
		case tensorName:
			where["tensor"] = string(f.bytes)
		case tensorExternalData:
			key, value, err := entry(f.bytes)
			if key != "tensor" {
				where[key] = value
			}
			return err
		}
		return nil
	})
	if err != nil || !elsewhere {
		return nil, err
	}
	return where, nil
}

// change makes a message into another, or returns it as it is.
type change func([]byte) ([]byte, error)

// rewrite passes the messages of some fields through changes. It copies b only when one of them is changed.
func rewrite(b []byte, by map[protowire.Number]change) ([]byte, error) {
	var out []byte
	copied, at := 0, 0 // how much of b is in out, or need not be; where the next field starts
	err := fields(b, func(f field) error {
		start := at
		at += len(f.raw)
		do := by[f.number]
		if do == nil {
			return nil
		}
		if f.kind != protowire.BytesType {
			return errors.New("the type of a field differs from onnx.proto")
		}
		inner, err := do(f.bytes)
		if err != nil || same(inner, f.bytes) {
			return err
		}
		out = append(out, b[copied:start]...)
		out = protowire.AppendTag(out, f.number, protowire.BytesType)
		out = protowire.AppendBytes(out, inner)
		copied = at
		return nil
	})
	if err != nil || copied == 0 {
		return b, err
	}
	return append(out, b[copied:]...), nil
}

func same(a, b []byte) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) && len(a) == len(b) }

// maxDepth bounds graphs within graphs; models nest two or three.
const maxDepth = 32

var errTooDeep = errors.New("its graphs are nested too deep")

// rewriteModel passes every tensor of a model through a function, in whatever graph it stands.
func rewriteModel(b []byte, tensor change) ([]byte, error) {
	graph := func(b []byte) ([]byte, error) { return rewriteGraph(b, tensor, 0) }
	node := func(b []byte) ([]byte, error) { return rewriteNode(b, tensor, 0) }
	function := func(b []byte) ([]byte, error) {
		return rewrite(b, map[protowire.Number]change{functionNode: node})
	}
	return rewrite(b, map[protowire.Number]change{modelGraph: graph, modelFunctions: function})
}

func rewriteGraph(b []byte, tensor change, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	return rewrite(b, map[protowire.Number]change{
		graphInitializer: tensor,
		graphSparse:      func(b []byte) ([]byte, error) { return rewriteSparse(b, tensor) },
		graphNode:        func(b []byte) ([]byte, error) { return rewriteNode(b, tensor, depth) },
	})
}

func rewriteNode(b []byte, tensor change, depth int) ([]byte, error) {
	graph := func(b []byte) ([]byte, error) { return rewriteGraph(b, tensor, depth+1) }
	sparse := func(b []byte) ([]byte, error) { return rewriteSparse(b, tensor) }
	attribute := func(b []byte) ([]byte, error) {
		return rewrite(b, map[protowire.Number]change{
			attributeTensor: tensor, attributeTensors: tensor, attributeGraph: graph, attributeGraphs: graph,
			attributeSparseTensor: sparse, attributeSparseTensors: sparse,
		})
	}
	return rewrite(b, map[protowire.Number]change{nodeAttribute: attribute})
}

func rewriteSparse(b []byte, tensor change) ([]byte, error) {
	return rewrite(b, map[protowire.Number]change{sparseValues: tensor, sparseIndices: tensor})
}
