//go:build !race

package session

const leastImage = 16 << 10 // bytes; a smaller image is cheaper to allocate than to keep account of

func spoil([]byte) {}
