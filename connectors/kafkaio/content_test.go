package kafkaio

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

func typeOf(value string, pairs ...string) schemas.Frame {
	return decode(record{time: recorded, key: []byte("cam"), value: []byte(value), size: len(value), headers: headers(pairs...)}, 1000, now)
}

// An image is recognised by its bytes, whatever its headers declare.
func TestImagesAreKnownByTheirBytes(t *testing.T) {
	for image, want := range map[string]string{jpegHead: schemas.JPEG, pngHead: schemas.PNG} {
		for _, declared := range [][]string{
			nil,
			{"content-type", ""},
			{"content-type", "image/jpeg"}, {"content-type", "image/png"}, {"content-type", "image/jpg"},
			{"content-type", "IMAGE/PJPEG"}, {"content-type", "image/x-png"}, {"content-type", " image/jpeg "},
			{"content-type", `"image/jpeg"`}, {"content-type", "image/jpeg; charset=utf-8"}, {"content-type", "image/jpeg;q"},
			{"content-type", "application/octet-stream"}, {"content-type", "binary/octet-stream"},
			{"content-type", "application/json"}, {"content-type", "image/webp"}, {"content-type", "\\xff\\x00"},
			{"Content-Type", "image/jpeg"}, {"CONTENT-TYPE", "image/png"}, {"contentType", `"image/png"`},
			{"ce_datacontenttype", "image/jpeg"}, {"datacontenttype", "image/png"},
			{"content-type", "application/x-rgb8"}, {"content-type", "application/x-rgb8", "width", "4", "height", "3"},
		} {
			if f := typeOf(image, declared...); f.ContentType != want || f.Fault != "" {
				t.Errorf("%s declared as %q: %q, fault %q", want, declared, f.ContentType, f.Fault)
			}
		}
	}
}

func TestRawPixelsMustBeDeclared(t *testing.T) {
	pixels := strings.Repeat("\x01\x02\x03", 12)
	likeJPEG := jpegHead + pixels[len(jpegHead):] // pale pixels may begin like a JPEG
	for _, value := range []string{pixels, likeJPEG} {
		for _, declared := range []string{"application/x-rgb8", "Application/X-RGB8; v=1", `"application/x-rgb8"`, "image/x-rgb8"} {
			for _, name := range []string{"content-type", "Content-Type", "content_type", "contentType", "ce_datacontenttype"} {
				f := typeOf(value, name, declared, "width", "4", "height", "3")
				if f.ContentType != schemas.RGB8 || f.Width != 4 || f.Height != 3 || f.Fault != "" {
					t.Errorf("%s %q: %q of %dx%d, fault %q", name, declared, f.ContentType, f.Width, f.Height, f.Fault)
				}
			}
		}
	}
	if f := typeOf(pixels, "ce_datacontenttype", "text/plain", "content-type", "application/x-rgb8", "width", "4", "height", "3"); f.Fault != "" {
		t.Errorf("the content-type header counts: fault %q", f.Fault)
	}
	for want, pairs := range map[string][]string{
		"no width and height headers with application/x-rgb8":          {"content-type", "application/x-rgb8", "width", "4"},
		`width header "2147483648" is not a number from 0 to 65536`:    {"content-type", "application/x-rgb8", "width", "2147483648", "height", "x"},
		`Height header "1.5" is not a number from 0 to 65536`:          {"Height", "1.5", "content-type", "application/x-rgb8", "width", "4"},
		"without a content-type header: must be image/jpeg, image/png": {"width", "4", "height", "3"},
	} {
		if f := typeOf(pixels, pairs...); !strings.Contains(f.Fault, want) {
			t.Errorf("%q: fault %q, want %q", pairs, f.Fault, want)
		}
	}
}

// Unsupported content is named, so that its producer can be fixed.
func TestUnsupportedContentIsNamed(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString([]byte(jpegHead + pngHead))
	for want, value := range map[string]string{
		"image/webp":                             "RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00",
		"image/gif":                              "GIF89a\x01\x00\x01\x00",
		"image/avif":                             "\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1",
		"image/heic":                             "\x00\x00\x00\x20ftypheic\x00\x00\x00\x00mif1heic",
		"image/jp2":                              "\x00\x00\x00\x0cjP  \r\n\x87\n\x00\x00\x00\x14ftypjp2 ",
		"image/tiff":                             "II*\x00\x08\x00\x00\x00",
		"image/bmp":                              "BM\x36\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00",
		"application/json":                       `{"image": "x"}`,
		"text/plain":                             "hello",
		"application/gzip":                       "\x1f\x8b\x08\x00\x00\x00\x00\x00",
		"base64 text of an image":                b64,
		"data URL":                               "data:image/jpeg;base64," + b64,
		"hexadecimal text of an image":           hex.EncodeToString([]byte(pngHead)),
		"text of a Python bytes literal":         `b'\xff\xd8\xff'`,
		"Python pickle, with image/jpeg":         "\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00C\x0c" + jpegHead,
		"NumPy array":                            "\x93NUMPY\x01\x00v\x00{'descr': '|u1'}",
		"H.264 or H.265 video":                   "\x00\x00\x00\x01\x67\x42\x00\x1f",
		"image/jpeg from byte 5 on":              "\x00\x00\x00\x00\x07" + jpegHead,
		"Confluent's wire format":                "\x00\x00\x00\x00\x07\x02\x06cam",
		"multipart message, with image/jpeg":     "--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpegHead,
		"value of unknown format":                "\x03\x04\x05",
		`content type "image/jpeg"`:              "\x03\x04\x06",
		"base64 text of an image, content type ": `"` + b64 + `"`,
	} {
		f := typeOf(value, "content-type", "image/jpg")
		if !strings.Contains(f.Fault, want) || !strings.HasSuffix(f.Fault, ": must be image/jpeg, image/png or application/x-rgb8") {
			t.Errorf("%q: fault %q, want %q", value, f.Fault, want)
		}
	}
}
