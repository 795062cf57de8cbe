package transforms

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// photo is a JPEG of one colour with some bytes behind its end, which decoders pass over.
func photo(t rapid.TB, offset int64, c color.Color, padding int) schemas.Frame {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		img.Set(i%16, i/16, c)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return schemas.Frame{Stream: "cam", Topic: "frames", Offset: offset, EventTime: time.UnixMilli(40 * offset),
		ContentType: schemas.JPEG, Image: append(b.Bytes(), make([]byte, padding)...)}
}

var red, reddish, blue = color.RGBA{250, 5, 5, 255}, color.RGBA{255, 10, 10, 255}, color.RGBA{5, 5, 250, 255}

func repeating(s *policy.Settings) {
	s.Teacher, s.Similar, s.SimilarMs = policy.Inline, 6, 2000
}

// What is repeated does not depend on how many frames share a run either.
func TestRunsRepeatAsFramesOneByOne(t *testing.T) {
	kinds := map[string]*nets{
		"full model teaches": netsOf(t, false, repeating),
		"many audits":        netsOf(t, true, func(s *policy.Settings) { repeating(s); s.AuditRate = 0.3 }),
		"selector teaches": netsOf(t, false, func(s *policy.Settings) {
			repeating(s)
			s.Teacher, s.AuditRate = policy.Selector, 0.1
		}),
		"full model answers": netsOf(t, false, func(s *policy.Settings) { repeating(s); s.Kind = policy.Full }),
	}
	for name, n := range kinds {
		t.Run(name, func(t *testing.T) {
			var frames []schemas.Frame
			for i := range 70 { // the answers stay
				frames = append(frames, photo(t, int64(i), red, 7000))
			}
			var before policy.State
			walkOf(n, nil).one(&before, frames)
			stays, _ := before.AppendBinary(nil)
			rapid.Check(t, func(t *rapid.T) {
				var frames []schemas.Frame
				add := func(c color.Color, padding int) {
					frames = append(frames, photo(t, int64(100+len(frames)), c, padding))
				}
				for range rapid.IntRange(1, 24).Draw(t, "frames") {
					c := rapid.SampledFrom([]color.Color{red, red, red, reddish, blue}).Draw(t, "colour")
					add(c, rapid.IntRange(0, 1).Draw(t, "padding"))
					f := &frames[len(frames)-1]
					switch rapid.IntRange(0, 15).Draw(t, "kind") {
					case 0:
						f.Fault = "no frame"
					case 1:
						f.Image = f.Image[:10]
					case 2:
						f.Offset = 3 // comes late
					}
				}
				var whole, single policy.State
				var want []schemas.Outcome
				var wantMissed []schemas.Missed
				if err := errors.Join(whole.UnmarshalBinary(stays), single.UnmarshalBinary(stays)); err != nil {
					t.Fatal(err)
				}
				one := walkOf(n, nil)
				for i := range frames {
					done, missed := one.one(&single, frames[i:i+1])
					want, wantMissed = append(want, done.Rows...), append(wantMissed, missed.Frames...)
				}
				var got []schemas.Outcome
				var gotMissed []schemas.Missed
				w := walkOf(n, nil)
				for rest := frames; len(rest) > 0; {
					run := rest[:min(len(rest), rapid.IntRange(1, 40).Draw(t, "run"))]
					rest = rest[len(run):]
					done, missed := w.one(&whole, run)
					got, gotMissed = append(got, done.Rows...), append(gotMissed, missed.Frames...)
				}
				same := cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApprox(0, 1e-5),
					cmpopts.IgnoreFields(schemas.Outcome{}, "SpecialistUs", "SelectorUs", "FullUs")}
				if diff := cmp.Diff(want, got, same); diff != "" {
					t.Fatalf("rows, one by one and together: %s", diff)
				}
				if diff := cmp.Diff(wantMissed, gotMissed, same); diff != "" {
					t.Fatalf("misses, one by one and together: %s", diff)
				}
				if diff := cmp.Diff(&single, &whole, same, cmpopts.IgnoreUnexported(policy.State{})); diff != "" {
					t.Fatalf("what the stream learned, one by one and together: %s", diff)
				}
				if len(got)+len(gotMissed) != len(frames) {
					t.Fatalf("%d rows of %d frames", len(got)+len(gotMissed), len(frames))
				}
			})
		})
	}
}

// A row says who gave the answer that it repeats, and no net was asked.
func TestARepeatedAnswerNamesItsNet(t *testing.T) {
	var frames []schemas.Frame
	for i := range 100 {
		frames = append(frames, photo(t, int64(i), red, 7000+i%2))
	}
	done, _ := walkOf(netsOf(t, true, func(s *policy.Settings) { repeating(s); s.AuditRate = 0 }), nil).one(&policy.State{}, frames)
	repeated := 0
	for i, o := range done.Rows {
		if o.Outcome != schemas.Same {
			continue
		}
		repeated++
		if last := done.Rows[i-1]; o.Label != last.Label || o.Model != last.Model || o.ModelSHA256 != last.ModelSHA256 || o.Confidence != last.Confidence {
			t.Fatalf("%+v takes the answer of %+v", o, last)
		}
		if o.SpecialistUs != 0 || o.FullUs != 0 || o.CacheEvent != schemas.CacheNone {
			t.Errorf("%+v cost something", o)
		}
	}
	if repeated < 20 {
		t.Errorf("%d of 100 frames that hardly differ repeat an answer", repeated)
	}
}

// What takes an answer is not decoded.
func TestARepeatedFrameIsNotDecoded(t *testing.T) {
	w, st := walkOf(netsOf(t, true, repeating), nil), &policy.State{}
	for i := range 200 {
		frame := photo(t, int64(i), red, 7000+i%2)
		done, _ := w.one(st, []schemas.Frame{frame})
		if repeats := done.Rows[0].Outcome == schemas.Same; repeats == (w.decoded.frames == 1) {
			t.Fatalf("frame %d: %s, %d decoded", i, done.Rows[0].Outcome, w.decoded.frames)
		}
	}
}
