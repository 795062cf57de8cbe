package video

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Region is a named part of a camera's picture. Its frames are a stream of their own, CAMERA/NAME.
type Region struct {
	Name       string
	camera     string // the camera it belongs to; empty for every camera
	x, y, w, h int    // pixels from the top left corner; all 0 for the whole picture
}

// whole is what stands for x,y,w,h to mean the whole picture.
const whole = "all"

// Regions reads crops: NAME=x,y,w,h for every camera, CAMERA/NAME=x,y,w,h for one of them; all instead of x,y,w,h is
// the whole picture.
func Regions(crops []string, cameras []Camera) ([]Region, error) {
	var regions []Region
	for _, text := range crops {
		r, err := parseRegion(text)
		if err != nil {
			return nil, fmt.Errorf("crop %q: %w", text, err)
		}
		if r.camera != "" && !slices.ContainsFunc(cameras, func(c Camera) bool { return c.Name == r.camera }) {
			return nil, fmt.Errorf("crop %q: no source is named %q", text, r.camera)
		}
		if slices.ContainsFunc(regions, r.clashes) {
			return nil, fmt.Errorf("crop %q: the region %q already exists: give each a unique name", text, r.Name)
		}
		regions = append(regions, r)
	}
	return regions, nil
}

func parseRegion(text string) (r Region, err error) {
	name, area, ok := strings.Cut(text, "=")
	if !ok {
		return r, errors.New("must be NAME=x,y,w,h")
	}
	if camera, part, ok := cutLast(name, "/"); ok {
		if camera == "" {
			return r, errors.New("nothing before the /: must be CAMERA/NAME=x,y,w,h")
		}
		r.camera, name = camera, part
	}
	r.Name = name
	if err := checkName("region", name); err != nil || area == whole {
		return r, err
	}
	numbers := strings.Split(area, ",")
	if len(numbers) != 4 {
		return r, fmt.Errorf("must be NAME=x,y,w,h: four whole numbers of pixels, or %s", whole)
	}
	for i, into := range []*int{&r.x, &r.y, &r.w, &r.h} {
		if *into, err = strconv.Atoi(numbers[i]); err != nil || *into < 0 || *into > 1<<16 {
			return r, fmt.Errorf("%q is not a number of pixels", numbers[i])
		}
	}
	if r.w == 0 || r.h == 0 {
		return r, errors.New("a region is at least 1 pixel wide and high")
	}
	return r, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// clashes reports whether a camera would have two regions of one name.
func (r Region) clashes(s Region) bool {
	return r.Name == s.Name && (r.camera == s.camera || r.camera == "" || s.camera == "")
}

// of returns the regions of a camera.
func of(regions []Region, c Camera) (own []Region) {
	for _, r := range regions {
		if r.camera == "" || r.camera == c.Name {
			own = append(own, r)
		}
	}
	return own
}

// check says whether the region lies inside of a picture.
func (r Region) check(width, height int) error {
	if r.x+r.w > width || r.y+r.h > height {
		return final{fmt.Errorf("region %q (%d,%d,%d,%d) is not inside the picture of %d x %d pixels: it must end at %d,%d or before",
			r.Name, r.x, r.y, r.w, r.h, width, height, width, height)}
	}
	return nil
}

// filter is the region in ffmpeg's language.
func (r Region) filter() string {
	if r.w == 0 {
		return "null"
	}
	return fmt.Sprintf("crop=%d:%d:%d:%d:exact=1", r.w, r.h, r.x, r.y)
}
