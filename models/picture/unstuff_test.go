package picture

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// unstuffed is what unstuff should do, byte by byte.
func unstuffed(b []byte) (data []byte, ends []int, sound bool) {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != 0xff:
			data = append(data, b[i])
			continue
		case i+1 == len(b) || b[i+1] == markerEOI:
			return data, append(ends, len(data)), true
		case b[i+1] == 0xff:
			continue
		case b[i+1] == 0:
			data = append(data, 0xff)
		case b[i+1]&^7 != 0xd0 || int(b[i+1]&7) != len(ends)&7:
			return nil, nil, false
		default:
			ends = append(ends, len(data))
		}
		i++
	}
	return data, append(ends, len(data)), true
}

func checkUnstuffed(t *testing.T, b []byte) {
	t.Helper()
	var c coarse
	data, ends, sound := unstuffed(b)
	if got := c.unstuff(b); got != sound {
		t.Fatalf("%x: sound %v, want %v", b, got, sound)
	}
	if !sound {
		return
	}
	if r := &c.bits; !bytes.Equal(r.data[:r.size], data) || !slices.Equal(c.ends, ends) {
		t.Fatalf("%x: %x with ends %v, want %x with ends %v", b, r.data[:r.size], c.ends, data, ends)
	}
	if behind := c.bits.data[c.bits.size:]; len(behind) != beyond || !bytes.Equal(behind, make([]byte, beyond)) {
		t.Fatalf("%x: behind the data are %x, want %d zeros", b, behind, beyond)
	}
}

// Stuffed bytes, fill bytes and markers may be anywhere, in particular across the chunks that are copied at once.
func TestUnstuffIsTheSameByteByByte(t *testing.T) {
	special := [][]byte{{0xff, 0}, {0xff, 0, 0xff, 0}, {0xff}, {0xff, 0xff, 0xd0}, {0xff, 0xd0, 0xff, 0xd1}, {0xff, markerEOI}, {0xff, 0xc4}}
	for _, s := range special {
		for before := range 34 {
			for _, behind := range []int{0, 1, 15, 16, 17, 33} {
				checkUnstuffed(t, slices.Concat(bytes.Repeat([]byte{1}, before), s, bytes.Repeat([]byte{2}, behind)))
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var b []byte
		for range r.IntN(20) {
			if b = append(b, bytes.Repeat([]byte{byte(r.IntN(255))}, r.IntN(40))...); r.IntN(3) > 0 {
				b = append(b, 0xff, 0)
			}
		}
		checkUnstuffed(t, b)
	}
}

func FuzzUnstuff(f *testing.F) {
	f.Add([]byte("\x01\xff\x00\xff\xd0\x02\xff\xd9"))
	f.Add(bytes.Repeat([]byte{0xff, 0, 1}, 20))
	f.Fuzz(checkUnstuffed)
}
