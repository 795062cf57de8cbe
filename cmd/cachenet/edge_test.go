package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cachenet/cachenet/connectors/kafkatest"
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/schemas"
)

const scenesPack = "../../models/packs/scenes"

// A device with an empty cache answers at once, with misses only; its specialist arrives over a slow link that is cut meanwhile, and hits begin. No
// byte of the specialist comes twice, and the summary says what it cost.
func TestADeviceWithAnEmptyCache(t *testing.T) {
	pack, size := largePack(t)
	for _, over := range []string{"HTTP", "a topic"} {
		t.Run(over, func(t *testing.T) {
			frames, server, listen, out, cache := embedded(t), embedded(t), "127.0.0.1:"+freePort(t), t.TempDir(), t.TempDir()
			start(t, "serve", "--brokers", server, "--pack", pack, "--out", t.TempDir(), "--listen", listen, "--packs-topic", "packs", "--file-age", "100ms")
			eventually(t, "packs are offered", func() bool {
				c, err := net.Dial("tcp", listen)
				if err == nil {
					c.Close()
				}
				return err == nil
			})
			cut := server
			if over == "HTTP" {
				cut = listen
			}
			w, err := kafkatest.NewWire(cut)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			address, brokers := "kafka:packs/scenes", w.Addr()
			if over == "HTTP" {
				address, brokers = "http://"+w.Addr()+"/v1/packs/scenes", server
			}
			more := func() {
				mustRun(t, "produce", "--brokers", frames, "--topic", "frames", "--source", someImages, "--streams", "4", "--frames", "20", "--active", "2", "--dwell", "50")
			}
			more()
			device := start(t, "edge", "--device", "d", "--brokers", frames, "--topic", "frames", "--server-brokers", brokers, "--pack", address, "--cache", cache, "--cache-bytes", "60000000",
				"--link", "100mbit,5ms", "--out", out, "--file-age", "100ms", "--output", "json")
			eventually(t, "a part of the specialist", func() bool { return device.running(t) && partial(t, cache) > 0 })
			if err := w.Cut(false); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the cut is noticed", func() bool {
				return device.running(t) && strings.Contains(device.said(t), "a download of a pack was cut")
			})
			if err := w.Mend(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "hits", func() bool { more(); return device.running(t) && outcomesIn(t, out)[schemas.Hit] > 20 })
			if err := device.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := device.exit(t); code != 0 {
				t.Fatalf("exit code %d: %s", code, device.said(t))
			}
			mustRun(t, "edge", "--device", "d", "--brokers", frames, "--topic", "frames", "--server-brokers", server, "--pack", address, "--cache", cache, "--out", out, "--until-end")
			stalls := 0
			for _, r := range checkRows(t, frames, out) {
				if r.CacheEvent == schemas.CacheStall {
					stalls++
				}
			}
			var s runSummary
			text := device.said(t)
			if err := json.Unmarshal([]byte(text[max(0, strings.Index(text, "\n{")):]), &s); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if c := s.Cache; c == nil || c.Loads != 1 || c.Fetched != 1 || c.Cuts < 1 || c.Bytes != size || c.Stalls < int64(stalls) || stalls == 0 || c.Held < size {
				t.Errorf("%+v, and %d rows say that the net was not here", c, stalls)
			}
		})
	}
}

// largePack is the pack of scenes with a specialist of 30 MB, more than what the buffers of connections hold: what ONNX does not know it skips.
func largePack(t *testing.T) (dir string, size int64) {
	t.Helper()
	const padding = 30 << 20
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(scenesPack)); err != nil {
		t.Fatal(err)
	}
	pack, err := models.OpenPack(dir)
	if err != nil {
		t.Fatal(err)
	}
	path, before := filepath.Join(dir, pack.Specialists[0].File), pack.Specialists[0].SHA256
	net, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	net = append(binary.AppendUvarint(append(net, 0xfa, 0x3f), padding), make([]byte, padding)...) // field 1023
	manifest, err := os.ReadFile(filepath.Join(dir, models.ManifestFile))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, models.ManifestFile), bytes.ReplaceAll(manifest, []byte(before), []byte(models.Digest(net))), 0o666)
	}
	if err == nil {
		err = os.WriteFile(path, net, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, int64(len(net))
}

// running fails the test when the process has ended.
func (p *process) running(t *testing.T) bool {
	t.Helper()
	select {
	case <-p.ended:
		t.Fatalf("%v ended: %s", p.Args, p.said(t))
	default:
	}
	return true
}

// partial is how many bytes of unfinished downloads a cache holds.
func partial(t *testing.T, cache string) (n int64) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(cache, "blobs", "*.partial"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if info, err := os.Stat(path); err == nil { // it may be whole by now
			n += info.Size()
		}
	}
	return n
}

// outcomesIn counts the rows of a data set.
func outcomesIn(t *testing.T, dir string) map[string]int {
	t.Helper()
	n := map[string]int{}
	for r, err := range parquetio.Rows(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		n[r.Outcome]++
	}
	return n
}
