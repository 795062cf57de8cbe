package kafkaio

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/cachenet/cachenet/schemas"
	"github.com/gabriel-vasile/mimetype"
)

// alsoContentType reports whether a header is another producer's name for the content type: CloudEvents' attribute,
// or the header with other separators, as Spring writes it.
func alsoContentType(key string) bool {
	return sameLetters(key, "contenttype") || sameLetters(key, "datacontenttype") || sameLetters(key, "cedatacontenttype")
}

// sameLetters compares without regard to case, hyphens and underscores in key.
func sameLetters(key, letters string) bool {
	for i := range len(key) {
		c := key[i]
		switch {
		case c == '-' || c == '_':
			continue
		case letters == "" || c|0x20 != letters[0]: // | 0x20: in lower case
			return false
		}
		letters = letters[1:]
	}
	return letters == ""
}

// contentType reads the value of a content-type header: lower case, without parameters, quotes and blanks, and by
// its usual name where it has several.
func contentType(b []byte) string {
	switch string(b) { // as most producers write it
	case schemas.JPEG:
		return schemas.JPEG
	case schemas.PNG:
		return schemas.PNG
	case schemas.RGB8:
		return schemas.RGB8
	}
	media, _, _ := strings.Cut(text(b, maxLabelBytes), ";")
	media = strings.ToLower(strings.Trim(media, "\"' \t\r\n\x00"))
	switch media {
	case "image/jpg", "image/pjpeg", "image/x-jpeg", "image/x-jpg", "jpeg", "jpg":
		return schemas.JPEG
	case "image/x-png", "png":
		return schemas.PNG
	case "image/x-rgb8", "rgb8":
		return schemas.RGB8
	}
	return media
}

// settleType sets the frame's content type by what its value is: JPEG and PNG are known by their first bytes,
// whatever the producer declared, and RGB8 is what it declared so. Anything else is an error that says what was found.
func settleType(f *schemas.Frame) error {
	found := schemas.ImageType(f.Image)
	if f.ContentType == schemas.RGB8 && (found == "" || int(f.Width)*int(f.Height)*3 == len(f.Image)) {
		if f.Width == 0 || f.Height == 0 {
			return fmt.Errorf("no width and height headers with %s", schemas.RGB8)
		}
		return nil
	}
	if found == "" {
		return fmt.Errorf("%s, %s: must be %s, %s or %s", whatIs(f.Image), declaredAs(f.ContentType), schemas.JPEG, schemas.PNG, schemas.RGB8)
	}
	f.ContentType, f.Width, f.Height = found, 0, 0
	return nil
}

func declaredAs(contentType string) string {
	if contentType == "" {
		return "without a content-type header"
	}
	return fmt.Sprintf("content type %q", contentType)
}

// whatIs names a value that is neither JPEG nor PNG, so that the mistake in a producer is found.
func whatIs(value []byte) string {
	known, _, _ := strings.Cut(mimetype.Detect(value).String(), ";")
	kind := wrapping(value)
	switch {
	case strings.HasPrefix(known, "image/"): // some begin with a zero byte, as wrapped values do
		kind = known
	case kind == "" && known != "application/octet-stream":
		kind = known
	case kind == "":
		kind = "value of unknown format"
	}
	const head = 64
	for at := 1; at < min(head, len(value)-2); at++ {
		// three bytes, as two come by chance
		if rest := value[at:]; schemas.ImageType(rest) == schemas.PNG || bytes.HasPrefix(rest, []byte("\xff\xd8\xff")) {
			return fmt.Sprintf("%s, with %s from byte %d on", kind, schemas.ImageType(rest), at)
		}
	}
	return kind
}

// wrapping names the encodings that producers put around an image by mistake; empty for others.
func wrapping(value []byte) string {
	head := value[:min(len(value), 256)]
	trimmed := bytes.TrimLeft(head, "\"' \t\r\n")
	switch {
	case bytes.HasPrefix(trimmed, []byte("data:")):
		return "data URL"
	case isBase64Image(trimmed):
		return "base64 text of an image"
	case bytes.HasPrefix(bytes.ToLower(trimmed), []byte("ffd8ff")), bytes.HasPrefix(bytes.ToLower(trimmed), []byte("89504e47")):
		return "hexadecimal text of an image"
	case bytes.HasPrefix(head, []byte("b'")), bytes.HasPrefix(head, []byte(`b"`)):
		return "text of a Python bytes literal"
	case len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5:
		return "Python pickle"
	case bytes.HasPrefix(head, []byte("\x93NUMPY")):
		return "NumPy array"
	case bytes.HasPrefix(head, []byte("--")):
		return "multipart message"
	case bytes.HasPrefix(head, []byte{0, 0, 0, 1}), bytes.HasPrefix(head, []byte{0, 0, 1}):
		return "H.264 or H.265 video"
	case len(head) > 5 && head[0] == 0 && !bytes.Contains(head[:min(len(head), 16)], []byte("ftyp")):
		return "value in Confluent's wire format (a zero byte and a schema id first)"
	}
	return ""
}

// isBase64Image reports whether text is base64 of a JPEG, a PNG, a GIF or a WebP.
func isBase64Image(text []byte) bool {
	var decoded [12]byte
	if len(text) < base64.StdEncoding.EncodedLen(len(decoded)) {
		return false
	}
	encoding := base64.StdEncoding
	if bytes.ContainsAny(text[:16], "-_") {
		encoding = base64.URLEncoding
	}
	if _, err := encoding.Decode(decoded[:], text[:16]); err != nil {
		return false
	}
	return schemas.ImageType(decoded[:]) != "" || strings.HasPrefix(string(decoded[:]), "GIF8") || strings.HasPrefix(string(decoded[:]), "RIFF")
}
