package models

import (
	"os"
	"testing"
)

// A manifest that is accepted describes a pack that can be served, whatever else it contains.
func FuzzManifest(f *testing.F) {
	seed, err := os.ReadFile("../testdata/colours/manifest.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest(b)
		if err != nil {
			return
		}
		for _, n := range m.Nets() {
			if outputs := n.Outputs(len(m.Classes)); outputs < 1 || outputs > 1001 {
				t.Errorf("%s has %d outputs", n.Name, outputs)
			}
		}
	})
}
