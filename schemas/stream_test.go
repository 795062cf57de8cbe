package schemas

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestStreamOf(t *testing.T) {
	for key, want := range map[string]string{
		"cam-1":                       "cam-1",
		"straße/kamera 7":             "straße/kamera 7",
		"駐車場":                         "駐車場",
		"0x":                          "0x",
		"0xAB":                        "0xAB", // capitals: not the form of binary keys
		"0xabc":                       "0xabc",
		"0x00000001":                  "0x30783030303030303031",
		"\x00\x00\x00\x01":            "0x00000001",
		"\x00\x00\x00A":               "0x00000041",
		"cam\n":                       "0x63616d0a",
		"cam\x7f":                     "0x63616d7f",
		"c\u0085":                     "0x63c285",
		"\xff":                        "0xff",
		"caf\xe9":                     "0x636166e9",           // ISO 8859-1
		"\x00\x00\x00\x00\x07\x0acam": "0x00000000070a63616d", // Confluent's wire format
		"":                            "",
		"\uFFFD":                      "\uFFFD",
	} {
		if got := StreamOf([]byte(key)); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

// Numbers as written by Java's serializers all have one form, whatever their bytes mean as text.
func TestNumericKeysHaveOneForm(t *testing.T) {
	for i := range uint32(1000) {
		for _, key := range [][]byte{binary.BigEndian.AppendUint32(nil, i), binary.BigEndian.AppendUint64(nil, uint64(i))} {
			if got := StreamOf(key); !strings.HasPrefix(got, "0x00") || len(got) != 2+2*len(key) {
				t.Fatalf("%d in %d bytes: %q", i, len(key), got)
			}
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("cam"), []byte("0x63616d"))
	f.Add([]byte{0, 0, 0, 1}, []byte("0x00000001"))
	f.Add([]byte("0x30"), []byte("0x3078"))
	f.Add([]byte("\xff"), []byte("\uFFFD"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := StreamOf(a), StreamOf(b)
		if back := KeyOf(x); !bytes.Equal(back, a) {
			t.Errorf("%q became %q and then %q", a, x, back)
		}
		if (x == y) != bytes.Equal(a, b) {
			t.Errorf("%q and %q: ids %q and %q", a, b, x, y)
		}
		if !utf8.ValidString(x) || strings.ContainsFunc(x, unicode.IsControl) {
			t.Errorf("%q: id %q is not plain text", a, x)
		}
	})
}
