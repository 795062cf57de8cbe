package picture

// #cgo LDFLAGS: -ldl
// #cgo noescape cn_turbo_decode
// #cgo nocallback cn_turbo_decode
// #include <stdlib.h>
// #include "turbo.h"
import "C"

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"unsafe"
)

// LibraryEnv names the environment variable that points at libjpeg-turbo's TurboJPEG library; "off" uses none.
const LibraryEnv = "CACHENET_LIBJPEG"

// turbo is the loaded library, which a process has once: nil where there is none.
var turbo = sync.OnceValue(loadTurbo)

// library is libjpeg-turbo. Its decoders are kept, since each holds tables and memory of its own.
type library struct{ idle chan unsafe.Pointer }

// loadTurbo tries what the environment names, else what the set-up fetched, else what the system has.
func loadTurbo() *library {
	named := os.Getenv(LibraryEnv)
	if named == "off" {
		return nil
	}
	paths := []string{named}
	if named == "" {
		paths = []string{"libturbojpeg.so.0"}
		if cache := cacheFolder(); cache != "" {
			paths = []string{filepath.Join(cache, "libjpeg", "libturbojpeg.so"), "libturbojpeg.so.0"}
		}
	}
	var why error
	for _, path := range paths {
		if why = openTurbo(path); why == nil {
			return &library{idle: make(chan unsafe.Pointer, runtime.NumCPU())}
		}
	}
	slog.Warn("libjpeg-turbo was not found: JPEG frames are decoded in Go, several times slower; run `make setup` or set "+LibraryEnv, "error", why)
	return nil
}

func cacheFolder() string {
	if cache := os.Getenv("CACHENET_CACHE"); cache != "" {
		return cache
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(user, "cachenet")
}

func openTurbo(path string) error {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why [512]byte
	if C.cn_turbo_load(name, charsOf(why[:]), C.int32_t(len(why))) == 0 {
		return errors.New(text(why[:]))
	}
	return nil
}

// decode decodes a JPEG at 1/denominator of its size to RGB in the scratch.
func (l *library) decode(jpeg []byte, h header, denominator int, s *scratch) (raster, error) {
	w, ht := scaledSide(h.width, denominator), scaledSide(h.height, denominator)
	r := raster{width: w, height: ht, channels: 3, stride: 3 * w}
	cmyk := 0
	if h.components == 4 {
		cmyk, r.channels, r.stride = 1, 4, 4*w
	}
	s.pixels = resize(s.pixels, r.stride*ht)
	r.pix = s.pixels
	if err := l.into(r.pix, jpeg, w, ht, cmyk, h.ownTables(), s); err != nil {
		return r, err
	}
	if cmyk != 0 {
		fromAdobe(r.pix)
	}
	return r, nil
}

func scaledSide(n, denominator int) int { return (n + denominator - 1) / denominator }

// into decodes a JPEG to pixels of w by h, with a kept decoder where the picture has all its own tables. Others get a new
// one: a kept one still has the tables of the picture before.
func (l *library) into(pixels, jpeg []byte, w, h, cmyk int, ownTables bool, s *scratch) error {
	decoder, err := l.take(ownTables)
	if err != nil {
		return err
	}
	defer l.put(decoder, ownTables)
	got := C.cn_turbo_decode(decoder, bytesOf(jpeg), C.uint64_t(len(jpeg)), bytesOf(pixels), C.int32_t(w), C.int32_t(h),
		C.int(cmyk), charsOf(s.why[:]), C.int32_t(len(s.why)))
	switch {
	case got == C.CN_DECODED:
		return nil
	case got == C.CN_INCOMPLETE && (cmyk != 0 || greyRows(pixels, w, h) <= h/8):
		return nil
	}
	return errors.New(text(s.why[:]))
}

// greyRows counts the rows at the end that are as libjpeg leaves what it has no data for: mid-grey.
func greyRows(rgb []byte, w, h int) int {
	for n := range h {
		for _, v := range rgb[(h-1-n)*3*w:][:3*w] {
			if v != 128 {
				return n
			}
		}
	}
	return h
}

// fromAdobe turns CMYK as Adobe stores it, 255 for no ink, into RGB, in place.
func fromAdobe(pix []byte) {
	for i := 0; i+3 < len(pix); i += 4 {
		k := uint32(pix[i+3])
		for c := range 3 {
			pix[i+c] = byte((uint32(pix[i+c])*k + 127) / 255)
		}
	}
}

// take returns a kept decoder, if one will do, or a new one.
func (l *library) take(kept bool) (unsafe.Pointer, error) {
	if kept {
		select {
		case d := <-l.idle:
			return d, nil
		default:
		}
	}
	d := C.cn_turbo_new()
	if d == nil {
		return nil, errors.New("out of memory for a JPEG decoder")
	}
	return d, nil
}

// put keeps a decoder for later, or frees it.
func (l *library) put(d unsafe.Pointer, keep bool) {
	if keep {
		select {
		case l.idle <- d:
			return
		default:
		}
	}
	free(d)
}

func free(d unsafe.Pointer) { C.cn_turbo_free(d) }

func charsOf(s []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(s))) }

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
