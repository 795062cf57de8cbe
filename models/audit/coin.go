package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
)

// Coin decides which frames are audited: by a keyed hash of where the frame was read, so that a replay decides alike
// and that nobody who lacks the secret can foresee it. It is used by one goroutine.
type Coin struct {
	mac hash.Hash
	buf []byte
	sum []byte
}

// NewCoin returns the coin of a secret, which should have 16 random bytes or more.
func NewCoin(secret []byte) *Coin { return &Coin{mac: hmac.New(sha256.New, secret)} }

// Toss returns the first 8 bytes of HMAC-SHA256(secret, "topic|partition|offset") as a number, uniform over all of 64
// bits. (The name of a topic holds no "|".)
func (c *Coin) Toss(topic string, partition int32, offset int64) uint64 {
	c.buf = append(append(c.buf[:0], topic...), '|')
	c.buf = append(strconv.AppendInt(c.buf, int64(partition), 10), '|')
	c.buf = strconv.AppendInt(c.buf, offset, 10)
	c.mac.Reset()
	c.mac.Write(c.buf)
	c.sum = c.mac.Sum(c.sum[:0])
	return binary.BigEndian.Uint64(c.sum)
}

// Chosen reports whether a toss audits at that rate: toss < rate · 2⁶⁴.
func Chosen(toss uint64, rate float32) bool {
	switch {
	case rate >= 1:
		return true
	case !(rate > 0):
		return false
	}
	return toss < uint64(float64(rate)*(1<<64))
}
