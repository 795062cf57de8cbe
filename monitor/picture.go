package monitor

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	"image/png"

	"github.com/cachenet/cachenet/schemas"
)

// picture is a frame as a data URL that a browser draws: JPEG and PNG as they are, raw pixels as PNG. It is empty where
// the frame is none of these. The page holds its pictures, since a run soon replaces those that the gallery keeps.
func picture(f *schemas.Frame) template.URL {
	kind, body := schemas.ImageType(f.Image), f.Image
	if f.ContentType == schemas.RGB8 {
		kind, body = schemas.PNG, fromPixels(f)
	}
	if kind == "" || len(body) == 0 {
		return ""
	}
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(body))
}

// fromPixels encodes raw pixels as PNG; nil where they are not what the frame says.
func fromPixels(f *schemas.Frame) []byte {
	width, height := int(f.Width), int(f.Height)
	if width <= 0 || height <= 0 || len(f.Image)%3 != 0 || len(f.Image)/3/width != height || len(f.Image)/3%width != 0 {
		return nil
	}
	drawn := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(drawn.Pix[4*i:], f.Image[3*i:3*i+3])
		drawn.Pix[4*i+3] = 0xff
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if encoder.Encode(&b, drawn) != nil {
		return nil
	}
	return b.Bytes()
}
