package picture

// #cgo CFLAGS: -O3 -std=c11
// #cgo noescape cn_resample
// #cgo nocallback cn_resample
// #include "resample.h"
import "C"

import (
	"math"
	"slices"
	"unsafe"
)

// raster is decoded pixels: RGB, YCbCr, or RGB and one more byte; stride bytes a row.
type raster struct {
	pix           []byte
	width, height int
	channels      int // 3 or 4
	stride        int
	ycc           bool // YCbCr, to become RGB once it is resampled
}

// filter is how a resampling weights pixels.
type filter struct {
	area bool
	// what decoding at a smaller scale has blurred already, as the variance of the mean of n pixels relative to one:
	// resampling blurs as much less, so that a net is shown the same at each scale
	blurred float64
}

// axis is one direction of a resampling: output i is the sum of count[i] inputs from start[i] on, weighted by
// weight[i*taps:].
type axis struct {
	from, length  float64 // of what the rest was computed
	by            filter
	inputs        int
	start, count  []int32
	weight        []float32
	taps, outputs int
}

// fill computes the weights of a filter whose support grows with the shrinking, as Pillow has it, for outputs pixels over
// length of inputs pixels that begin at from. A triangle of half-width w has a variance of w²/6, a box of width w one of
// w²/12, and as much as a pixel's more where it covers pixels in part.
func (a *axis) fill(from, length float64, inputs, outputs int, by filter) {
	if a.from == from && a.length == length && a.inputs == inputs && a.outputs == outputs && a.by == by {
		return
	}
	a.from, a.length, a.inputs, a.outputs, a.by = from, length, inputs, outputs, by
	scale := length / float64(outputs)
	support := math.Sqrt(max(scale*scale-by.blurred/2, 1))
	if by.area {
		support = math.Sqrt(max(scale*scale-2*by.blurred, 1)) / 2
	}
	a.taps = 2*int(math.Ceil(support)) + 1
	a.start, a.count = resize(a.start, outputs), resize(a.count, outputs)
	a.weight = resize(a.weight, outputs*a.taps)
	for i := range outputs {
		centre := from + (float64(i)+0.5)*scale
		near := 0.5 // a triangle has no weight for a pixel whose middle is outside, a box for what it covers
		if by.area {
			near = 0
		}
		first := max(0, int(centre-support+near))
		last := min(inputs, int(math.Ceil(centre+support-near)))
		if first >= last { // beyond the edge by a rounding
			first = min(max(first, 0), inputs-1)
			last = first + 1
		}
		w := a.weight[i*a.taps:][:last-first]
		var sum float64
		for t := range w {
			at := float64(first+t) + 0.5
			k := max(0, 1-math.Abs((at-centre)/support))
			if by.area {
				k = max(0, min(at+0.5, centre+support)-max(at-0.5, centre-support))
			}
			w[t] = float32(k)
			sum += k
		}
		for t := range w {
			if sum > 0 {
				w[t] = float32(float64(w[t]) / sum)
			} else {
				w[t] = 1 / float32(len(w))
			}
		}
		a.start[i], a.count[i] = int32(first), int32(last-first)
	}
}

func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// resampler keeps what one resampling needs for the next.
type resampler struct {
	x, y axis
	row  []float32
}

// resample brings the part b of src to dst, RGB of b.cols by b.rows pixels, stride bytes a row.
func (r *resampler) resample(dst []byte, stride int, src raster, b box) {
	r.x.fill(b.x, b.w, src.width, b.cols, b.by)
	r.y.fill(b.y, b.h, src.height, b.rows, b.by)
	r.row = resize(r.row, src.width*src.channels+16)
	_ = dst[(b.rows-1)*stride+3*b.cols-1]
	_ = src.pix[(src.height-1)*src.stride+src.channels*src.width-1]
	C.cn_resample(bytesOf(src.pix), C.int64_t(src.stride), C.int32_t(src.channels), C.int32_t(src.width),
		intsOf(r.x.start), intsOf(r.x.count), floatsOf(r.x.weight), C.int32_t(r.x.taps), C.int32_t(b.cols),
		intsOf(r.y.start), intsOf(r.y.count), floatsOf(r.y.weight), C.int32_t(r.y.taps), C.int32_t(b.rows),
		floatsOf(r.row), bytesOf(dst), C.int64_t(stride))
}

func bytesOf(s []byte) *C.uint8_t   { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(s))) }
func intsOf(s []int32) *C.int32_t   { return (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(s))) }
func floatsOf(s []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(s))) }
