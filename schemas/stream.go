package schemas

import (
	"encoding/hex"
	"unicode"
	"unicode/utf8"
)

// hexPrefix begins the text form of a key that is not text.
const hexPrefix = "0x"

// StreamOf returns the stream id of a record key, as text: a key that is text (UTF-8 without control characters) is
// its own id; any other key, such as an int32, a UUID or a key in Confluent's wire format, becomes "0x" and its bytes
// in lower-case hexadecimal. Different keys have different ids: a key that is text of that very form is written in
// hexadecimal too. [KeyOf] is the inverse.
func StreamOf(key []byte) string {
	if isText(key) && !isHexForm(key) {
		return string(key)
	}
	return hexPrefix + hex.EncodeToString(key)
}

// KeyOf returns the record key whose stream id is given: what [StreamOf] was called with.
func KeyOf(stream string) []byte {
	if !isHexForm(stream) {
		return []byte(stream)
	}
	key, err := hex.DecodeString(stream[len(hexPrefix):])
	if err != nil { // isHexForm admits hexadecimal digits only
		return []byte(stream)
	}
	return key
}

func isText(key []byte) bool {
	for i, b := range key {
		if b >= utf8.RuneSelf {
			return isUnicodeText(key[i:])
		}
		if b < ' ' || b == 0x7f {
			return false
		}
	}
	return true
}

func isUnicodeText(key []byte) bool {
	for len(key) > 0 {
		r, n := utf8.DecodeRune(key)
		if r == utf8.RuneError && n == 1 || unicode.IsControl(r) {
			return false
		}
		key = key[n:]
	}
	return true
}

// isHexForm reports whether s is "0x" and one or more bytes in lower-case hexadecimal.
func isHexForm[T string | []byte](s T) bool {
	if len(s) <= len(hexPrefix) || len(s)%2 != 0 || s[0] != hexPrefix[0] || s[1] != hexPrefix[1] {
		return false
	}
	for i := len(hexPrefix); i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
