package models

import (
	"strings"
	"testing"
)

func TestProviders(t *testing.T) {
	for p, batch := range map[Provider]int{"": MaxBatch, CPU: MaxBatch, CUDA: acceleratorBatch, TensorRT: acceleratorBatch, OpenVINO: acceleratorBatch} {
		if err := p.Validate(); err != nil || p.Batch() != batch {
			t.Errorf("%q: %v, batches of %d", p, err, p.Batch())
		}
	}
	if err := Provider("gpu").Validate(); err == nil || !strings.Contains(err.Error(), "must be cpu, cuda, tensorrt or openvino") {
		t.Errorf("%v", err)
	}
}

// The library fetched by the set-up has no accelerator: a pack that needs one is refused before any frame is read.
func TestUnavailableProvider(t *testing.T) {
	for _, on := range []Provider{CUDA, TensorRT, OpenVINO} {
		t.Run(string(on), func(t *testing.T) {
			p, err := OpenPack(colours)
			if err != nil {
				t.Fatal(err)
			}
			p.FullOn = on
			if err = p.Verify(); err == nil {
				t.Skipf("this ONNX Runtime has %s", on)
			}
			for _, want := range []string{p.Full.File, "provider " + string(on), LibraryEnv, "leave --provider out"} {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v: want %q, on one line", err, want)
				}
			}
			if _, err := p.Load(p.Specialists[0]); err != nil {
				t.Errorf("a small net runs on the CPU: %v", err)
			}
			if err := NewSessions(p, 0).Load(FullNet, p.Full); err == nil {
				t.Error("the full model was loaded")
			}
		})
	}
}
