package picture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// naive reads codes one after the other, as ITU-T T.81 F.2.2 describes it.
type naive struct {
	data []byte
	at   int // bits
}

func (n *naive) bit() int {
	if n.at>>3 >= len(n.data) {
		n.at++
		return 0
	}
	n.at++
	return int(n.data[(n.at-1)>>3]>>(7-(n.at-1)&7)) & 1
}

// symbol returns -1 where there is no such code.
func (n *naive) symbol(table []byte) int {
	code, first, place := 0, 0, 0
	for _, count := range table[:16] {
		code = code<<1 | n.bit()
		first <<= 1
		if code-first < int(count) {
			return int(table[16+place+code-first])
		}
		first += int(count)
		place += int(count)
	}
	return -1
}

// value returns the value of so many bits.
func (n *naive) value(size int) (v int) {
	for range size {
		v = v<<1 | n.bit()
	}
	if 2*v < 1<<size && size > 0 {
		v += 1 - 1<<size
	}
	return v
}

func (n *naive) block(p *pair) bool {
	size := n.symbol(p.dc.table)
	if size < 0 || size > 11 {
		return false
	}
	n.at += size
	for k := 1; k < 64; {
		v := n.symbol(p.ac.table)
		switch {
		case v < 0 || v&15 > 10:
			return false
		case v&15 == 0 && v>>4 != 15:
			return true
		}
		n.at += v & 15
		if k += v>>4 + 1; k > 64 {
			return false
		}
	}
	return true
}

// found compares what find finds in an interval with what naive does, and reports whether it is sound.
func found(t *testing.T, c *coarse, start, end, blocks int) bool {
	t.Helper()
	ok := c.bits.find(&c.lookups, start, end, blocks)
	n := naive{data: c.bits.data[start:]}
	var want []int32
	sound := true
	for i := 0; i < blocks && sound; i++ {
		want = append(want, int32(n.at))
		plane := c.lookups.blocks[i%int(c.lookups.unit)].plane
		sound = n.block(c.planes[plane].codes)
	}
	left := 8*(end-start) - n.at
	sound = sound && left >= 0 && left < 8
	if ok != sound {
		t.Fatalf("%d blocks in %d bytes: found %t, sound %t", blocks, end-start, ok, sound)
	}
	if ok && !slices.Equal(c.bits.begins[:blocks], want) {
		t.Fatalf("%d blocks in %d bytes: others than those read one by one", blocks, end-start)
	}
	return ok
}

// prepared is a decoder that has read the headers of a JPEG, and how many blocks an interval of it has.
func prepared(t *testing.T, b []byte) (c *coarse, every, all int) {
	t.Helper()
	h, err := readHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	c = &coarse{}
	if !c.plan(&h, 1) || !c.unstuff(b[h.data:]) {
		return nil, 0, 0
	}
	c.place(h.components, 3*h.width)
	c.arrange(h.components)
	across, down := c.planes[0].across, c.planes[0].down
	units := scaledSide(h.width, 8*across) * scaledSide(h.height, 8*down)
	every = units
	if h.restart > 0 {
		every = h.restart
	}
	return c, every * int(c.lookups.unit), units * int(c.lookups.unit)
}

// noisy encodes a picture of noise, of more bytes than are read in one place.
func noisy(t *testing.T, grey bool, quality int, random *rand.Rand) []byte {
	t.Helper()
	size := image.Rect(0, 0, 150+random.IntN(300), 100+random.IntN(300))
	amount := 1 << random.IntN(9)
	at := func(x, y int) uint8 { return uint8(x + y + random.IntN(amount)) }
	var img image.Image
	if grey {
		g := image.NewGray(size)
		for i := range g.Pix {
			g.Pix[i] = at(i%size.Dx(), i/size.Dx())
		}
		img = g
	} else {
		c := image.NewRGBA(size)
		for y := range size.Dy() {
			for x := range size.Dx() {
				c.SetRGBA(x, y, color.RGBA{at(x, y), at(y, y), at(x, x), 255})
			}
		}
		img = c
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Blocks are found where reading one code after the other finds them, in three places at once, at every quality.
func TestBlocksAreFoundWhereTheyAre(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	large := 0
	for i := range 30 {
		c, _, all := prepared(t, noisy(t, i%3 == 0, 1+random.IntN(100), random))
		if !found(t, c, 0, c.bits.size, all) {
			t.Fatal("a sound picture is damaged")
		}
		if c.bits.size > 8<<10 {
			large++
		}
	}
	if large < 10 {
		t.Fatalf("only %d pictures are read in three places", large)
	}
}

func TestBlocksOfTheCorpus(t *testing.T) {
	files, _ := filepath.Glob("testdata/corpus/*.jpg")
	read := 0
	for _, file := range files {
		c, every, all := prepared(t, corpus(t, filepath.Base(file)))
		if c == nil {
			continue
		}
		start := 0
		for i, end := range c.ends {
			if !found(t, c, start, end, min(every, all-i*every)) {
				t.Errorf("%s is damaged", file)
			}
			start, read = end, read+1
		}
	}
	if read < 25 {
		t.Errorf("%d intervals were read", read)
	}
}

// Where bytes are wrong, it is noticed exactly where reading one code after the other notices it.
func TestDamagedBlocksAreNoticed(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	sound, damaged := 0, 0
	for range 12 {
		c, _, all := prepared(t, noisy(t, random.IntN(2) == 0, 20+random.IntN(80), random))
		whole := bytes.Clone(c.bits.data[:c.bits.size])
		for range 25 {
			copy(c.bits.data, whole)
			for range 1 + random.IntN(3) {
				switch at := random.IntN(len(whole)); random.IntN(3) {
				case 0:
					c.bits.data[at] ^= 1 << random.IntN(8)
				case 1:
					c.bits.data[at] = byte(random.Uint32())
				default:
					binary.BigEndian.PutUint64(c.bits.data[at:], ^uint64(0))
				}
			}
			clear(c.bits.data[len(whole):])
			if found(t, c, 0, len(whole), all) {
				sound++
			} else {
				damaged++
			}
		}
	}
	if sound < 3 || damaged < 30 {
		t.Errorf("%d sound and %d damaged scans", sound, damaged)
	}
}

// A scan in which the second place never gets in step: bits that are no codes, or the same ones for ever.
func TestBlocksOfNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	c, _, all := prepared(t, corpus(t, "jpeg-camera.jpg"))
	for i := range 90 {
		data := c.bits.data[:c.bits.size]
		for j := range data {
			switch i % 3 {
			case 0:
				data[j] = byte(random.Uint32())
			case 1:
				data[j] = byte(i)
			default:
				data[j] = byte(i >> (j % 3))
			}
		}
		found(t, c, 0, len(data), 1+random.IntN(all))
	}
}
