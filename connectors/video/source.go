package video

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// filePrefix marks a source that ends: a file, or a URL of one.
const filePrefix = "video:"

// maxName bounds a name, which becomes (part of) a record's key.
const maxName = 200

// Camera is one source of pictures. Its address may hold a password; nothing prints it.
type Camera struct {
	Name    string // key of its frames
	Live    bool   // it has no end: a lost connection is made again
	address string // path of a file, or URL
	remote  bool   // address is a URL
	exposed bool   // the address came on the command line and holds a login
}

// String returns the camera's name and never its address.
func (c Camera) String() string { return c.Name }

// GoString keeps the address out of %#v.
func (c Camera) GoString() string { return fmt.Sprintf("video.Camera{%q}", c.Name) }

// Exposed reports whether the camera's login is on this process's command line, where every user can read it.
func (c Camera) Exposed() bool { return c.exposed }

// IsSource reports whether text has the form of a source that [Cameras] reads.
func IsSource(text string) bool {
	_, address := splitName(text)
	return strings.HasPrefix(text, "@") || strings.HasPrefix(address, filePrefix) || liveScheme(address)
}

// Cameras reads sources: [NAME=]video:FILE, [NAME=]rtsp://…, rtsps://…, http://… or https://…, and @FILE for a file
// with one source a line, where blank lines and lines that begin with # do not count. Names must differ; without one
// a file is called by its name without extension, a camera by its host. No error shows an address.
func Cameras(sources []string) ([]Camera, error) {
	var cameras []Camera
	for i, s := range sources {
		if path, ok := strings.CutPrefix(s, "@"); ok {
			more, err := readList(path)
			if err != nil {
				return nil, err
			}
			cameras = append(cameras, more...)
			continue
		}
		c, err := parseCamera(s)
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i+1, err)
		}
		c.exposed = len(secrets(c)) > 0
		cameras = append(cameras, c)
	}
	for i, c := range cameras {
		if slices.ContainsFunc(cameras[:i], func(d Camera) bool { return d.Name == c.Name }) {
			return nil, fmt.Errorf("two sources are named %q: give each a unique name, as in NAME=rtsp://…", c.Name)
		}
	}
	return cameras, nil
}

func readList(path string) (cameras []Camera, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read list of sources: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c, err := parseCamera(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		cameras = append(cameras, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read list of sources %s: %w", path, err)
	}
	if len(cameras) == 0 {
		return nil, fmt.Errorf("%s lists no source: write one per line, as in gate=rtsp://…", path)
	}
	return cameras, nil
}

// splitName splits NAME=ADDRESS. An = inside of an address has a : before it.
func splitName(text string) (name, address string) {
	name, address, ok := strings.Cut(text, "=")
	if !ok || strings.ContainsAny(name, ":/") {
		return "", text
	}
	return name, address
}

func parseCamera(text string) (Camera, error) {
	name, address := splitName(text)
	if name == "" && address != text {
		return Camera{}, errors.New("nothing before the =: name the camera, as in gate=rtsp://…")
	}
	c := Camera{Name: name, Live: liveScheme(address), address: address}
	if path, ok := strings.CutPrefix(address, filePrefix); ok {
		c.address = path
	} else if !c.Live {
		return Camera{}, errors.New("must be video:FILE, rtsp://…, rtsps://…, http://… or https://…, or NAME= before one of them")
	}
	c.remote = liveScheme(c.address)
	standard, err := c.standardName()
	if err != nil {
		return Camera{}, err
	}
	if c.Name == "" {
		c.Name = standard
	}
	return c, checkName("camera", c.Name)
}

// standardName is what a camera without a name is called.
func (c Camera) standardName() (string, error) {
	if c.address == "" {
		return "", errors.New("video: names no file")
	}
	if !c.remote {
		base := filepath.Base(c.address)
		return strings.TrimSuffix(base, filepath.Ext(base)), nil
	}
	u, err := url.Parse(c.address) // its error would show the address
	if err != nil || u.Host == "" || strings.ContainsFunc(c.address, unicode.IsControl) {
		return "", errors.New("its address is not a URL: write SCHEME://[USER:PASSWORD@]HOST[:PORT]/PATH, other characters as %XX")
	}
	return u.Host, nil
}

func checkName(what, name string) error {
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "/=") || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%q is not a valid name for a %s: 1 to %d bytes without / and =", name, what, maxName)
	}
	return nil
}

func liveScheme(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return ok && slices.Contains([]string{"rtsp", "rtsps", "http", "https"}, scheme)
}

// secrets returns the parts of the address that must not be shown, longest first: logins, and queries, which often hold
// tokens.
func secrets(c Camera) []string {
	u, err := url.Parse(c.address)
	if !c.remote || err != nil {
		return nil
	}
	var hidden []string
	if password, ok := u.User.Password(); ok {
		_, escaped, _ := strings.Cut(u.User.String(), ":")
		_, written, _ := strings.Cut(strings.SplitN(c.address, "@", 2)[0], "://")
		hidden = append(hidden, password, escaped, written, u.User.String())
		if _, raw, ok := strings.Cut(written, ":"); ok {
			hidden = append(hidden, raw)
		}
	}
	if u.RawQuery != "" {
		hidden = append(hidden, u.RawQuery)
		for _, values := range u.Query() {
			for _, v := range values {
				if len(v) > 3 { // shorter ones are words and numbers of everything that ffmpeg says
					hidden = append(hidden, v)
				}
			}
		}
	}
	hidden = slices.DeleteFunc(hidden, func(s string) bool { return s == "" })
	slices.SortFunc(hidden, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(hidden)
}

// redact removes the camera's address and whatever is secret in it from what ffmpeg says.
func (c Camera) redact(text string) string {
	if !c.remote {
		return text
	}
	text = strings.ReplaceAll(text, c.address, "its address")
	for _, s := range secrets(c) {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}
