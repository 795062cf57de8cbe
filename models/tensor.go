package models

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// filler turns pixels, RGB rows, into the elements of a net's input. Its tables hold what every level of every channel
// becomes, so that normalisation costs a look-up.
type filler struct {
	in     Input
	plain  bool // pixels are the input as they are
	levels [3][256]byte
	floats [3][256]float32
	halves [3][256]uint16
}

func newFiller(in Input) *filler {
	f := &filler{in: in, plain: or(in.Type, Uint8) == Uint8 && or(in.Layout, NHWC) == NHWC && or(in.Channels, RGB) == RGB}
	for c := range in.channels() {
		for v := range 256 {
			f.levels[c][v], f.floats[c][v] = byte(v), in.level(c, v)
			f.halves[c][v] = half(f.floats[c][v])
		}
	}
	return f
}

// elementBytes is the size of one element.
func (in Input) elementBytes() int {
	switch in.Type {
	case Float32:
		return 4
	case Float16:
		return 2
	}
	return 1
}

// fill writes one frame's input to dst, which holds its elements in the machine's byte order.
func (f *filler) fill(dst, pixels []byte) {
	switch {
	case f.plain:
		copy(dst, pixels)
	case f.in.Type == Float32:
		arrange(f.in, as[float32](dst), pixels, &f.floats)
	case f.in.Type == Float16:
		arrange(f.in, as[uint16](dst), pixels, &f.halves)
	default:
		arrange(f.in, dst, pixels, &f.levels)
	}
}

// arrange puts pixels in the order of the input's channels and layout, each as its channel's table says.
func arrange[T any](in Input, dst []T, pixels []byte, table *[3][256]T) {
	n := in.Width * in.Height
	if in.Channels == Gray {
		for i := range n {
			dst[i] = table[0][luma(pixels[3*i:])]
		}
		return
	}
	pixel, channel := 3, 1 // steps in dst
	if in.Layout == NCHW {
		pixel, channel = 1, n
	}
	for c := range 3 {
		from := pixels[c:]
		if in.Channels == BGR {
			from = pixels[2-c:]
		}
		to, values := dst[c*channel:], &table[c]
		for i := range n {
			to[i*pixel] = values[from[3*i]]
		}
	}
}

// luma is the brightness of a pixel by ITU-R BT.601, rounded as Pillow rounds it.
func luma(rgb []byte) byte {
	return byte((19595*uint32(rgb[0]) + 38470*uint32(rgb[1]) + 7471*uint32(rgb[2]) + 0x8000) >> 16)
}

// as is memory that was made for elements of a type, as these.
func as[T any](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}

// half is the nearest IEEE 754 binary16 of v; what is too large becomes infinite.
func half(v float32) uint16 {
	b := math.Float32bits(v)
	sign, exponent, mantissa := uint16(b>>16&0x8000), int(b>>23&0xff)-127+15, b&0x7fffff
	switch {
	case v != v:
		return sign | 0x7e00
	case exponent >= 31:
		return sign | 0x7c00
	case exponent < -10:
		return sign
	case exponent <= 0: // subnormal
		mantissa |= 0x800000
		shift := uint(14 - exponent)
		return sign | uint16((mantissa+1<<(shift-1)-1+mantissa>>shift&1)>>shift)
	}
	return sign + uint16((uint32(exponent)<<23|mantissa+0xfff+mantissa>>13&1)>>13)
}

// single is the value of an IEEE 754 binary16.
func single(h uint16) float32 {
	sign, exponent, mantissa := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		v := float32(mantissa) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}

// tensors are the memory of one call, bound to a session. What the runtime holds of them is freed by hand.
type tensors struct {
	in, out ort.Value
	input   []byte         // the elements of in
	answers []byte         // the elements of out
	binding *ort.IoBinding // nil on an accelerator
}

// newTensors makes room for n frames.
func (n *Net) newTensors(frames int, session *ort.DynamicAdvancedSession) (_ *tensors, err error) {
	t := &tensors{
		input:   make([]byte, frames*n.input.Width*n.input.Height*n.input.channels()*n.input.elementBytes()),
		answers: make([]byte, frames*n.outputs*n.answer.bytes),
	}
	// a pool forgets what it holds at a garbage collection
	runtime.SetFinalizer(t, (*tensors).free)
	defer func() {
		if err != nil {
			t.free()
		}
	}()
	shape := ort.NewShape(n.input.shape(int64(frames))...)
	if t.in, err = ort.NewCustomDataTensor(shape, t.input, elementType(n.input.Type)); err != nil {
		return nil, fmt.Errorf("input tensor: %w", err)
	}
	if t.out, err = ort.NewCustomDataTensor(n.answer.shape(int64(frames)), t.answers, n.answer.element); err != nil {
		return nil, fmt.Errorf("output tensor: %w", err)
	}
	if n.rooms != nil {
		return t, nil
	}
	if t.binding, err = session.CreateIoBinding(); err != nil {
		return nil, fmt.Errorf("bind tensors: %w", err)
	}
	if err = t.binding.BindInput(n.inputName, t.in); err != nil {
		return nil, fmt.Errorf("bind input: %w", err)
	}
	if err = t.binding.BindOutput(n.answer.name, t.out); err != nil {
		return nil, fmt.Errorf("bind output: %w", err)
	}
	return t, nil
}

func elementType(kind string) ort.TensorElementDataType {
	switch kind {
	case Float32:
		return ort.TensorElementDataTypeFloat
	case Float16:
		return ort.TensorElementDataTypeFloat16
	}
	return ort.TensorElementDataTypeUint8
}

// read copies the first answers, elements of that many bytes, to dst.
func (t *tensors) read(dst []float32, bytes int) {
	if bytes == 4 {
		copy(dst, as[float32](t.answers))
		return
	}
	for i, h := range as[uint16](t.answers)[:len(dst)] {
		dst[i] = single(h)
	}
}

// free releases the memory; an error is ignored, since nothing could be done about it.
func (t *tensors) free() {
	runtime.SetFinalizer(t, nil)
	if t.binding != nil {
		_ = t.binding.Destroy()
	}
	for _, v := range []ort.Value{t.in, t.out} {
		if v != nil {
			_ = v.Destroy()
		}
	}
}
