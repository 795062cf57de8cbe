// Package pagetest looks at pages in a headless Chromium, for tests.
package pagetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Tab is a tab of a browser. It collects what the browser logs as errors.
type Tab struct {
	Ctx context.Context

	mu     sync.Mutex
	errors []string
}

// Open opens a tab, which is closed when the test ends. Without CACHENET_CHROMIUM, the path of a Chromium, it skips the test.
func Open(t *testing.T) *Tab {
	t.Helper()
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
	tab := &Tab{Ctx: ctx}
	if err := tab.listen(); err != nil {
		t.Fatal(err)
	}
	return tab
}

func (tab *Tab) listen() error {
	err := chromedp.Listen(tab.Ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			tab.add(e.ExceptionDetails.Text)
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.EntryLevelError {
				tab.add(e.Entry.Text)
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(tab.Ctx, cdplog.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(tab.Ctx, runtime.Enable, cdp.Empty{})
	}
	return err
}

func (tab *Tab) add(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.errors = append(tab.errors, text)
}

// NoErrors fails the test if the browser logged errors.
func (tab *Tab) NoErrors(t *testing.T) {
	t.Helper()
	tab.mu.Lock()
	defer tab.mu.Unlock()
	if len(tab.errors) > 0 {
		t.Errorf("browser errors: %q", tab.errors)
	}
}

// Show opens an address on a screen.
func (tab *Tab) Show(t *testing.T, s Screen, address string) {
	t.Helper()
	_, err := chromedp.Call(tab.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.Scheme}}})
	if err == nil {
		deficiency := emulation.SetEmulatedVisionDeficiencyTypeNone
		if s.Grey {
			deficiency = emulation.SetEmulatedVisionDeficiencyTypeAchromatopsia
		}
		_, err = chromedp.Call(tab.Ctx, emulation.SetEmulatedVisionDeficiency, emulation.SetEmulatedVisionDeficiencyParams{Type: deficiency})
	}
	if err == nil {
		err = chromedp.Do(tab.Ctx, chromedp.EmulateViewport(s.Width, 900), chromedp.Navigate(address))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Eval returns what a JavaScript expression says.
func Eval[T any](t *testing.T, tab *Tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(tab.Ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Wait waits until a JavaScript expression is true.
func (tab *Tab) Wait(t *testing.T, expression string) {
	t.Helper()
	if _, err := chromedp.Run(tab.Ctx, chromedp.Poll[bool](expression)); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
}

// Screenshot saves a picture of the whole page in the folder named by CACHENET_SCREENSHOTS, if set.
func (tab *Tab) Screenshot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("CACHENET_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(tab.Ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o666)
	}
	if err != nil {
		t.Error(err)
	}
}
