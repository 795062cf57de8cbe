package onnximport

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/cachenet/cachenet/models"
)

// classesOf reads class names from a model's metadata: a JSON list (cachenet.classes, classes, labels), a comma-separated
// list, or a mapping of numbers to names as Ultralytics writes it. nil: none.
func classesOf(metadata map[string]string) []string {
	for _, key := range []string{"cachenet.classes", "classes", "class_names", "labels", "names"} {
		text := strings.TrimSpace(metadata[key])
		if text == "" {
			continue
		}
		var list []string
		if json.Unmarshal([]byte(text), &list) == nil {
			return list
		}
		if list = mapping(text); list != nil {
			return list
		}
		if key == "classes" || key == "labels" {
			for name := range strings.SplitSeq(text, ",") {
				list = append(list, strings.TrimSpace(name))
			}
			return list
		}
	}
	return nil
}

// numbered is one entry of a mapping such as {0: 'tench', 1: "jack-o'-lantern"}.
var numbered = regexp.MustCompile(`(\d+)["']?\s*:\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")`)

// mapping reads names by number, in the notation of Python or JSON; the numbers must be 0, 1, 2, …
func mapping(text string) []string {
	if !strings.HasPrefix(text, "{") {
		return nil
	}
	var list []string
	for _, m := range numbered.FindAllStringSubmatch(text, -1) {
		if i, err := strconv.Atoi(m[1]); err != nil || i != len(list) {
			return nil
		}
		list = append(list, m[2]+m[3])
	}
	return list
}

var sides = regexp.MustCompile(`\d+`)

// sizeOf reads the size of the input from metadata: imgsz, as Ultralytics writes it: [height, width].
func sizeOf(metadata map[string]string) (width, height int, ok bool) {
	found := sides.FindAllString(metadata["imgsz"], 2)
	if len(found) == 1 {
		found = append(found, found[0])
	}
	if len(found) != 2 {
		return 0, 0, false
	}
	height, _ = strconv.Atoi(found[0]) // digits
	width, _ = strconv.Atoi(found[1])
	return width, height, true
}

// Keys of ONNX's image metadata (docs/MetadataProps.md of ONNX).
const (
	pixelFormat = "Image.BitmapPixelFormat"
	pixelRange  = "Image.NominalPixelRange"
)

// channelsOf reads the order of channels from metadata; empty: not stated.
func channelsOf(metadata map[string]string) string {
	switch strings.ToLower(metadata[pixelFormat]) {
	case "rgb8":
		return models.RGB
	case "bgr8":
		return models.BGR
	case "gray8":
		return models.Gray
	}
	return ""
}
