package pipelines

import (
	"os"
	"path/filepath"
	"testing"
)

// Beam's own submission leaves a file in the temporary folder for every job, and panics without such a folder.
func TestAJobNeedsNoTemporaryFolder(t *testing.T) {
	for name, make := range map[string]func(dir string) error{
		"empty":   func(dir string) error { return os.Mkdir(dir, 0o755) },
		"missing": func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tmp")
			if err := make(dir); err != nil {
				t.Fatal(err)
			}
			s := newSite(t, 1)
			s.send(t, "cam", slicesOf("blue", 20)...)
			o := s.options(t)
			t.Setenv("TMPDIR", dir)
			if err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("the job left %v", left)
			}
		})
	}
}
