// Package models holds packs and runs their nets: the manifest and its checks, ONNX Runtime sessions,
// the process-wide session cache, and the decoding of a frame into a net's input.
package models
