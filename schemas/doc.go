// Package schemas holds what travels through the pipeline and what it leaves behind: a [Frame] read
// from Kafka, a [Run] of frames of one stream, the [Outcome] of each frame, and [Offsets], the set of
// offsets whose outcome is durable. It imports nothing else of CacheNet.
//
// The binary encodings are MessagePack tuples written by msgp (github.com/tinylib/msgp); they live
// only between two steps of one job, so their field order may change between versions.
package schemas

//go:generate go run github.com/tinylib/msgp -file frame.go -tests=false
//go:generate go run github.com/tinylib/msgp -file outcome.go -tests=false
//go:generate go run github.com/tinylib/msgp -file missed.go -tests=false
