package page

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser opens a tab of a headless Chromium, and returns what it logs as errors.
func browser(t *testing.T) (context.Context, *faults) {
	chromium := os.Getenv("CACHENET_CHROMIUM")
	if chromium == "" {
		t.Skip("needs CACHENET_CHROMIUM, the path of a Chromium: make test-browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx, watch(ctx, t)
}

// watch collects the errors of a tab.
func watch(ctx context.Context, t *testing.T) *faults {
	t.Helper()
	seen := &faults{}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			seen.add(e.ExceptionDetails.Text)
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.EntryLevelError {
				seen.add(e.Entry.Text)
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, cdplog.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

type faults struct {
	mu   sync.Mutex
	list []string
}

func (f *faults) add(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, text)
}

// none fails the test if there were errors.
func (f *faults) none(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) > 0 {
		t.Errorf("browser errors: %q", f.list)
	}
}

// drawn describes the visible layout of a page: charts have a width and nothing overflows.
const drawn = `(() => {
	const empty = [...document.querySelectorAll("svg[role=img]")].filter((s) => {
		const path = s.querySelector("path:not(.grid)");
		return !path || !path.getBBox().width || s.getBoundingClientRect().width < 150;
	});
	return {
		charts: document.querySelectorAll("svg[role=img]").length,
		empty: empty.map((s) => s.getAttribute("aria-label")),
		bars: [...document.querySelectorAll(".bar")].filter((b) => b.getBoundingClientRect().width > 0).length,
		wide: document.documentElement.scrollWidth - window.innerWidth,
		assets: [...document.querySelectorAll("[src], link[href]")].filter((e) => !(e.src || e.href).startsWith("data:")).length,
		paper: getComputedStyle(document.body).backgroundColor,
	};
})()`

type seen struct {
	Charts, Bars, Assets int
	Empty                []string
	Wide                 float64
	Paper                string
}

func TestChartsAreDrawnInABrowser(t *testing.T) {
	ctx, complaints := browser(t)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, written(t, example(6, 400), Heading{Source: "out"}), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, scheme string
		width        int64
		dark         bool
	}{{"wide", "light", 1400, false}, {"phone", "light", 390, false}, {"dark", "dark", 1400, true}, {"phone-dark", "dark", 390, true}} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: tt.scheme}}}); err != nil {
				t.Fatal(err)
			}
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(tt.width, 900), chromedp.Navigate("file://"+path)); err != nil {
				t.Fatal(err)
			}
			s, err := chromedp.Run(ctx, chromedp.Evaluate[seen](drawn))
			if err != nil {
				t.Fatal(err)
			}
			if s.Charts != 8 || len(s.Empty) > 0 || s.Bars < 10 {
				t.Errorf("%d charts, %d bars; nothing is drawn in %q", s.Charts, s.Bars, s.Empty)
			}
			if s.Wide > 0 {
				t.Errorf("the page is %v pixels wider than a screen of %d", s.Wide, tt.width)
			}
			if s.Assets > 0 {
				t.Errorf("the page loads %d assets", s.Assets)
			}
			if dark := s.Paper != "rgb(246, 246, 243)"; dark != tt.dark {
				t.Errorf("background %s in the %s scheme", s.Paper, tt.scheme)
			}
			screenshot(ctx, t, tt.name)
		})
	}
	complaints.none(t)
}

// screenshot saves a picture of the tab in the folder named by CACHENET_SCREENSHOTS, if set.
func screenshot(ctx context.Context, t *testing.T, name string) {
	dir := os.Getenv("CACHENET_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o666)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestALivePageFollowsItsRun(t *testing.T) {
	ctx, complaints := browser(t)
	c := example(2, 100)
	more := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_ = c.WriteHTML(w, Heading{Source: "frames", Live: true})
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
		_, _ = w.Write(event(t, c))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer server.CloseClientConnections()
	const frames = `[...document.querySelectorAll(".tile")].find((t) => t.textContent.startsWith("Frames")).querySelector("strong").textContent`
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	before, err := chromedp.Run(ctx, chromedp.Evaluate[string](frames))
	if err != nil {
		t.Fatal(err)
	}
	o := row(0, 100)
	c.Add(&o, "")
	close(more)
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](frames+` === "201"`)); err != nil {
		t.Fatal(err)
	}
	after, err := chromedp.Run(ctx, chromedp.Evaluate[string](frames))
	if err != nil {
		t.Fatal(err)
	}
	if before != "200" || after != "201" {
		t.Errorf("%q frames, then %q", before, after)
	}
	complaints.none(t)
}

// event is the body of the page as one server-sent event.
func event(t *testing.T, c *Collector) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.WriteEvent(&b, Heading{Source: "frames", Live: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "data: ") || !strings.HasSuffix(b.String(), "\n\n") || strings.Count(b.String(), "\n") != 2 {
		t.Fatalf("no event: %.80q", b.String())
	}
	return b.Bytes()
}
