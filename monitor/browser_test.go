package monitor

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/cachenet/cachenet/report/page/pagetest"
	"github.com/cachenet/cachenet/schemas"
)

// camera sends so many frames of a stream through a job, every fourth one a miss.
func camera(t *testing.T, stream string, from, to int64) (frames []schemas.Frame, rows []schemas.Outcome) {
	t.Helper()
	for offset := from; offset < to; offset++ {
		picture := image.NewNRGBA(image.Rect(0, 0, 64, 36))
		for i := range 64 * 36 {
			picture.Set(i%64, i/64, color.NRGBA{uint8(4 * (i % 64)), uint8(7 * (i / 64)), uint8(20 * offset), 255})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, picture); err != nil {
			t.Fatal(err)
		}
		o := hit(stream, offset)
		o.Confidence = 0.97
		switch offset % 4 {
		case 1:
			o.Outcome, o.Label, o.SmallLabel, o.SmallConfidence = schemas.Miss, "dog", "cat", 0.41
		case 2:
			o.Audited, o.AuditLabel = true, "dog"
		case 3:
			o.Outcome, o.Error, o.Label = schemas.Error, "decode: unexpected end of the image, which is a long reason", ""
		}
		frames, rows = append(frames, frame(stream, offset, b.String())), append(rows, o)
	}
	return frames, rows
}

func TestTheLivePageShowsFramesInABrowser(t *testing.T) {
	tab := pagetest.Open(t)
	m := started(t, Run{Topic: "frames", LiveFrames: 6})
	j := job(t)
	m.Follow(j)
	pass := func(from, to int64) {
		for _, stream := range []string{"cam 1", "cam 2"} {
			frames, rows := camera(t, stream, from, to)
			j.Hold(schemas.Run{Frames: frames})
			j.Rows(rows)
		}
	}
	pass(0, 4)
	tab.Show(t, pagetest.Screens[0], "http://"+m.Addr())
	tab.Wait(t, `document.querySelector("#frames").textContent.includes("Choose a stream")`)
	tab.Wait(t, `document.querySelector("#state").textContent === "live"`)
	tab.Show(t, pagetest.Screens[0], pagetest.Eval[string](t, tab, `[...document.querySelectorAll("#streams a")].find((a) => a.textContent === "cam 1").href`))
	tab.Wait(t, `document.querySelector("#state").textContent === "live" && document.querySelector("#frames").textContent.includes("Waiting for frames")`)
	pass(4, 8)
	const drawn = `[...document.querySelectorAll("#frames img")].filter((i) => i.naturalWidth === 64).length`
	tab.Wait(t, drawn+" === 4")
	pagetest.Eval[any](t, tab, `window.first = document.querySelector("#frames img")`)
	pass(8, 10)
	tab.Wait(t, drawn+" === 6")
	if !pagetest.Eval[bool](t, tab, `first.isConnected`) {
		t.Error("a picture that is still shown was loaded again")
	}
	for _, screen := range pagetest.Screens {
		tab.Show(t, screen, "http://"+m.Addr()+"/?stream=cam+1")
		tab.Wait(t, `document.querySelector("#state").textContent === "live"`)
		if screen == pagetest.Screens[0] {
			pass(10, 16)
		} else {
			pass(16, 22)
		}
		tab.Wait(t, drawn+" >= 4")
		tab.Layout(t).Check(t, screen)
		tab.Screenshot(t, "live-"+screen.Name)
	}
	tab.NoErrors(t)
}
