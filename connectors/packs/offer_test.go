package packs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cachenet/cachenet/models"
)

const colours = "../../testdata/colours"

// version writes the test pack to dir, with that version and, where other is set, with other bytes in the specialists.
func version(t *testing.T, dir, version string, change func(*models.Manifest)) models.Manifest {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS(colours)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, models.ManifestFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.ParseManifest(text)
	if err != nil {
		t.Fatal(err)
	}
	m.Version = version
	if change != nil {
		change(&m)
	}
	if text, err = json.Marshal(m); err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// alter gives a specialist of the pack in dir other bytes: what ONNX does not know it skips.
func alter(t *testing.T, dir string) func(*models.Manifest) {
	return func(m *models.Manifest) {
		path := filepath.Join(dir, m.Specialists[1].File)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, 0xfa, 0x3f, 1, m.Version[0]) // field 1023, of length 1
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		m.Specialists[1].SHA256 = models.Digest(b)
	}
}

func ask(o http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(b.String(), "\r\n\r\n")
	return text
}

func TestOffer(t *testing.T) {
	root := t.TempDir()
	m := version(t, filepath.Join(root, "folder"), "1.0.0", nil)
	o, err := NewOffer(root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "folder", models.ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	net, err := os.ReadFile(filepath.Join(colours, m.Full.File))
	if err != nil {
		t.Fatal(err)
	}
	tag, blob := etag(models.Digest(text)), blobsPath+m.Full.SHA256
	for _, c := range []struct {
		method, path string
		header       []string
		status       int
		body         string
	}{
		{"GET", "/v1/packs/colours", nil, 200, string(text)},
		{"GET", "/v1/packs/colours", []string{"If-None-Match", tag}, 304, ""},
		{"GET", "/v1/packs/folder", nil, 404, "no pack of that name is offered\n"},
		{"GET", "/v1/packs/..%2ffolder", nil, 404, "no pack of that name is offered\n"},
		{"GET", blob, nil, 200, string(net)},
		{"GET", blob, []string{"Range", "bytes=100-"}, 206, string(net[100:])},
		{"GET", blob, []string{"Range", "bytes=100-", "If-Range", etag(m.Full.SHA256)}, 206, string(net[100:])},
		{"GET", blob, []string{"Range", "bytes=100-", "If-Range", tag}, 200, string(net)},
		{"GET", blobsPath + strings.Repeat("0", 64), nil, 404, "no file with that sha256 is offered\n"},
		{"GET", blobsPath + "..%2f..%2fmanifest.json", nil, 404, "no file with that sha256 is offered\n"},
		{"POST", "/v1/packs/colours", nil, 405, "Method Not Allowed\n"},
		{"DELETE", blob, nil, 405, "Method Not Allowed\n"},
		{"GET", "/", nil, 404, "404 page not found\n"},
	} {
		r := ask(o, c.method, c.path, c.header...)
		if got := body(t, r); r.StatusCode != c.status || got != c.body {
			t.Errorf("%s %s %v: %d with %d bytes, expected %d with %d", c.method, c.path, c.header, r.StatusCode, len(got), c.status, len(c.body))
		}
	}
	if r := ask(o, "GET", "/v1/packs/colours"); r.Header.Get("ETag") != tag {
		t.Errorf("the ETag is %s", r.Header.Get("ETag"))
	}
	if r := ask(o, "HEAD", blob); r.StatusCode != http.StatusOK || r.Header.Get("Content-Length") != fmt.Sprint(len(net)) {
		t.Errorf("HEAD: %v", r.Header)
	}
}

// A new version is offered once it is whole, and files of the one before stay while they are there.
func TestNewVersionsAreOffered(t *testing.T) {
	root := t.TempDir()
	first := version(t, filepath.Join(root, "1"), "1.0.0", nil)
	link := filepath.Join(root, "current")
	point(t, "1", link)
	o, err := NewOffer(link)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(2e9, 0)
	o.now = func() time.Time { at = at.Add(rescan); return at }
	offered := func() string {
		m, err := models.ParseManifest([]byte(body(t, ask(o, "GET", "/v1/packs/colours"))))
		if err != nil {
			t.Fatal(err)
		}
		return m.Version
	}
	bad := filepath.Join(root, "2")
	version(t, bad, "2.0.0", func(m *models.Manifest) { m.Full.SHA256 = strings.Repeat("0", 64) })
	point(t, "2", link)
	if got := offered(); got != "1.0.0" {
		t.Errorf("%s is offered, whose full model is damaged", got)
	}
	good := filepath.Join(root, "3")
	second := version(t, good, "3.0.0", alter(t, good))
	point(t, "3", link)
	if got := offered(); got != "3.0.0" {
		t.Errorf("%s is offered still", got)
	}
	for _, sha := range []string{first.Specialists[1].SHA256, second.Specialists[1].SHA256} {
		if r := ask(o, "GET", blobsPath+sha); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", sha, r.Status)
		}
	}
	if err := os.WriteFile(filepath.Join(good, second.Specialists[1].File), []byte("overwritten"), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := ask(o, "GET", blobsPath+second.Specialists[1].SHA256); r.StatusCode != http.StatusNotFound {
		t.Errorf("a file that was overwritten: %s", r.Status)
	}
}

func point(t *testing.T, to, link string) {
	t.Helper()
	if err := os.Symlink(to, link+".next"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".next", link); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotBeOffered(t *testing.T) {
	empty, twice, damaged := t.TempDir(), t.TempDir(), t.TempDir()
	version(t, filepath.Join(twice, "a"), "1.0.0", nil)
	version(t, filepath.Join(twice, "b"), "1.0.1", nil)
	version(t, damaged, "1.0.0", func(m *models.Manifest) { m.Full.SHA256 = strings.Repeat("0", 64) })
	for dir, want := range map[string]string{
		empty: "holds no pack", twice: "keep one version", damaged: "does not have the sha256", filepath.Join(empty, "none"): "no such file",
	} {
		if _, err := NewOffer(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, blobs := range map[string]string{
		"http://h:1/v1/packs/scenes":          "http://h:1/v1/blobs/",
		"https://h/below/v1/packs/scenes":     "https://h/below/v1/blobs/",
		"http://h:1/v1/packs/":                "",
		"http://h:1/v1/packs/a/b":             "",
		"http://h:1/scenes":                   "",
		"http:///v1/packs/scenes":             "",
		"ftp://h/v1/packs/scenes":             "",
		"models/packs/scenes":                 "",
		"http://h:1/v1/packs/scenes%zz":       "",
		"http://h:1/v1/packs/sc%2fenes":       "",
		"http://user:secret@h/v1/packs/scene": "http://user:secret@h/v1/blobs/",
	} {
		s, err := NewSource(address, nil, SourceOptions{})
		if (err == nil) != (blobs != "") || err == nil && s.at("") != blobs {
			t.Errorf("%s: %v, %+v", address, err, s)
		}
	}
}
