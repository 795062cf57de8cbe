package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPolicyFileFitsItsPackOnly(t *testing.T) {
	p, err := OpenPack("../testdata/colours")
	if err != nil {
		t.Fatal(err)
	}
	s := p.Policy
	s.Threshold = 0.75
	f, err := NewPolicyFile(p, s, map[string]int{"frames": 7})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "policy.json")
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPolicyFile(path, p)
	if err != nil || got.Policy != s || !strings.HasPrefix(got.ID, "file:") || len(got.ID) != len("file:")+12 || got.Pack != p.ID() {
		t.Fatalf("%+v, %v", got, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := *p
	other.SHA256 = strings.Repeat("0", 64)
	if _, err := ReadPolicyFile(path, &other); err == nil || !strings.Contains(err.Error(), "run cachenet tune again with this pack") {
		t.Errorf("for another pack: %v", err)
	}
	for name, tt := range map[string]struct{ old, new, say string }{
		"key":    {`"pack"`, `"pakc"`, "pakc"},
		"format": {`"format": 1`, `"format": 9`, "format is 9"},
		"value":  {`"threshold": 0.75`, `"threshold": -1`, "threshold"},
		"cut":    {"}\n", "", "unexpected EOF"},
	} {
		bad := filepath.Join(t.TempDir(), "bad.json")
		changed := strings.Replace(string(text), tt.old, tt.new, 1)
		if name == "cut" {
			changed = string(text[:len(text)/2])
		}
		if err := os.WriteFile(bad, []byte(changed), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPolicyFile(bad, p); err == nil || !strings.Contains(err.Error(), tt.say) || !strings.Contains(err.Error(), "bad.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
