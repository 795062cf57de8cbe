package page

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/report"
	"github.com/cachenet/cachenet/report/page/pagetest"
)

// saved writes a page to a file and returns its address.
func saved(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

func TestChartsAreDrawnInABrowser(t *testing.T) {
	tab := pagetest.Open(t)
	summary := &report.Summary{Stages: []report.StageTime{{Stage: "fetch", Us: 3}, {Stage: "decode", Us: 300}},
		Lost: []report.Lost{{Topic: strings.Repeat("long-topic-name-", 8), Partition: 3, From: 10, To: 25}}}
	address := saved(t, written(t, example(6, 400), Heading{Source: "out", Summary: summary}))
	for _, screen := range pagetest.Screens {
		t.Run(screen.Name, func(t *testing.T) {
			tab.Show(t, screen, address)
			l := tab.Layout(t)
			l.Check(t, screen)
			if l.Charts != 8 || l.Bars < 10 {
				t.Errorf("%d charts, %d bars", l.Charts, l.Bars)
			}
			if l.Assets > 0 {
				t.Errorf("the page loads %d assets", l.Assets)
			}
			tab.Screenshot(t, "report-"+screen.Name)
		})
	}
	tab.NoErrors(t)
}

func TestTheReplayPageInABrowser(t *testing.T) {
	tab := pagetest.Open(t)
	var c report.Comparison
	for i := range 30 {
		s := report.Change{Stream: fmt.Sprintf("entrance-camera-%02d", i), Changed: int64(90 - i), Judged: int64(60 - i), BeforeAgree: 20, AfterAgree: 25,
			Before: report.Side{Frames: 1200, Hits: 900, Misses: 300, WithTruth: 1200, Right: 1100, ModelUs: 1200 * 300},
			After:  report.Side{Frames: 1200, Hits: 1000, Misses: 198, Errors: 2, WithTruth: 1198, Right: 1110, ModelUs: 1200 * 240}}
		c.Streams = append(c.Streams, s)
	}
	c.All, c.Gone = c.Streams[0], 7
	c.Streams[3].Stream = strings.Repeat("a-very-long-name-", 6)
	var b bytes.Buffer
	how := []string{"pack models/packs/scenes", "with threshold=0.9, alpha=0.2", "300 answers of the full model were in the rows"}
	if err := WriteComparison(&b, c, "out", how); err != nil {
		t.Fatal(err)
	}
	address := saved(t, b.Bytes())
	for _, screen := range pagetest.Screens {
		t.Run(screen.Name, func(t *testing.T) {
			tab.Show(t, screen, address)
			tab.Layout(t).Check(t, screen)
			if rows := pagetest.Eval[int](t, tab, `document.querySelectorAll("#streams tbody tr").length`); rows != 30 {
				t.Errorf("%d streams", rows)
			}
			tab.Screenshot(t, "replay-"+screen.Name)
		})
	}
	tab.NoErrors(t)
}

func TestALivePageFollowsItsRun(t *testing.T) {
	tab := pagetest.Open(t)
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
	tab.Show(t, pagetest.Screens[0], server.URL)
	if before := pagetest.Eval[string](t, tab, frames); before != "200" {
		t.Errorf("%q frames at first", before)
	}
	o := row(0, 100)
	c.Add(&o, "")
	close(more)
	tab.Wait(t, frames+` === "201"`)
	tab.NoErrors(t)
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
