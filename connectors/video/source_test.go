package video

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCameras(t *testing.T) {
	list := filepath.Join(t.TempDir(), "cameras")
	if err := os.WriteFile(list, []byte("# the yard\n\nyard=rtsp://ann:pw@10.0.0.6/live\n  video:b.mp4  \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cameras, err := Cameras([]string{
		"video:clips/gate.avi", "door=video:a=b.mp4", "rtsp://10.0.0.5:8554/live?channel=1", "hall=http://10.0.0.7/video.cgi?user=bob&pwd=hush", "far=video:https://host/x.mp4", "@" + list,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name, address string
		live, exposed bool
	}{
		{"gate", "clips/gate.avi", false, false},
		{"door", "a=b.mp4", false, false},
		{"10.0.0.5:8554", "rtsp://10.0.0.5:8554/live?channel=1", true, true},
		{"hall", "http://10.0.0.7/video.cgi?user=bob&pwd=hush", true, true},
		{"far", "https://host/x.mp4", false, false},
		{"yard", "rtsp://ann:pw@10.0.0.6/live", true, false},
		{"b", "b.mp4", false, false},
	}
	if len(cameras) != len(want) {
		t.Fatalf("%d cameras, want %d", len(cameras), len(want))
	}
	for i, c := range cameras {
		w := want[i]
		if c.Name != w.name || c.address != w.address || c.Live != w.live || c.Exposed() != w.exposed {
			t.Errorf("camera %d is %q at %q, live %v, exposed %v; want %+v", i, c.Name, c.address, c.Live, c.Exposed(), w)
		}
	}
}

func TestInvalidSources(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "s3cret"
	for source, want := range map[string]string{
		"film":                            "must be video:FILE",
		"video:":                          "names no file",
		"=rtsp://host/":                   "nothing before the =",
		"rtsp://":                         "is not a URL",
		"rtsp://ann:" + secret + "%zz@h/": "is not a URL",
		"rtsp://h/\n" + secret:            "is not a URL",
		"@nowhere":                        "no such file",
		"@" + empty:                       "lists no source",
	} {
		_, err := Cameras([]string{source})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: got error %v, want one that says %q", source, err, want)
		}
	}
	if _, err := Cameras([]string{"rtsp://host/1", "rtsp://host/2"}); err == nil || !strings.Contains(err.Error(), "give each a unique name") {
		t.Errorf("two cameras of one name: got error %v", err)
	}
}

func TestIsSource(t *testing.T) {
	for text, want := range map[string]bool{
		"video:a.avi": true, "gate=video:a.avi": true, "rtsp://h/": true, "a=https://h/": true, "@list": true,
		"scenes": false, "images:rtsp://": false, "film": false, "ftp://h/": false, "": false,
	} {
		if got := IsSource(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Whatever ffmpeg prints, and however a camera is formatted, its credentials are not visible.
func TestRedact(t *testing.T) {
	for _, address := range []string{
		"rtsp://ann:hunter2@10.0.0.5/live", "rtsp://ann:hun%3Ater%202@10.0.0.5/live", "http://10.0.0.5/video.cgi?user=ann&pwd=hunter2",
		"rtsp://10.0.0.5/user=ann_password=hunter2_channel=1", "https://ann:hunter2@10.0.0.5/x?token=hunter2",
	} {
		c, err := parseCamera("gate=" + address)
		if err != nil {
			t.Fatal(err)
		}
		said := "[in#0] Impossible to open '" + address + "'\n"
		for _, s := range secrets(c) {
			said += s + " failed\n"
		}
		for _, text := range []string{c.redact(said), fmt.Sprint(c), fmt.Sprintf("%v %+v %#v", c, c, c)} {
			for _, bad := range []string{"hunter2", "hun:ter", "hun%3Ater"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s is visible in %q", bad, text)
				}
			}
		}
	}
}
