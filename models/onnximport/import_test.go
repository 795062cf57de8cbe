package onnximport

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/onnx"
	"github.com/cachenet/cachenet/models/picture"
)

const nets = "../../testdata/models/"

var four = []string{"red", "green", "blue", "dark"}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(nets + file)
	if err != nil {
		t.Fatal(err)
	}
	if file == "external.onnx" {
		if b, err = onnx.Embed(b, nets); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// colours writes single-colour pictures named after their colour.
func colours(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for name, c := range map[string]color.RGBA{"red": {220, 30, 20, 255}, "green": {30, 200, 40, 255}, "blue": {20, 30, 210, 255}, "dark": {8, 5, 9, 255}} {
		img := image.NewRGBA(image.Rect(0, 0, 20, 12))
		for i := range 20 * 12 {
			img.SetRGBA(i%20, i/20, c)
		}
		f, err := os.Create(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		f.Close()
		files = append(files, f.Name())
	}
	slices.Sort(files)
	return files
}

func TestImportedModelsBecomePacks(t *testing.T) {
	files := colours(t)
	imagenet, unit := normalisations()[0], normalisations()[1]
	for _, c := range []struct {
		file    string
		request Request
		want    models.Input
	}{
		{"plain.onnx", Request{Labels: four}, models.Input{Name: "frames", Layout: models.NHWC, Type: models.Uint8, Channels: models.RGB}},
		{"external.onnx", Request{Labels: four}, models.Input{Name: "frames", Layout: models.NHWC, Type: models.Uint8, Channels: models.RGB}},
		{"labelled.onnx", Request{}, models.Input{Name: "frames", Layout: models.NHWC, Type: models.Uint8, Channels: models.RGB}},
		{"softmax.onnx", Request{Labels: four}, models.Input{Name: "frames", Layout: models.NHWC, Type: models.Uint8, Channels: models.RGB}},
		{"uint8-nchw.onnx", Request{Labels: four}, models.Input{Name: "frames", Layout: models.NCHW, Type: models.Uint8, Channels: models.RGB}},
		{"nchw-normalised.onnx", Request{Labels: four}, models.Input{Name: "pixel_values", Layout: models.NCHW, Type: models.Float32, Channels: models.RGB,
			Scale: imagenet.Scale, Mean: imagenet.Mean, Std: imagenet.Std}},
		{"nhwc-half.onnx", Request{Labels: four, Normalisation: &unit}, models.Input{Name: "frames", Layout: models.NHWC, Type: models.Float16, Channels: models.RGB, Scale: unit.Scale}},
		{"bgr.onnx", Request{Labels: four, Normalisation: &Normalisation{}, Input: models.Input{Channels: models.BGR}},
			models.Input{Name: "frames", Layout: models.NHWC, Type: models.Float32, Channels: models.BGR}},
		{"batch-1.onnx", Request{Labels: four, Input: models.Input{Scale: 1.0 / 255}},
			models.Input{Name: "frames", Layout: models.NCHW, Type: models.Float32, Channels: models.RGB, Scale: 1.0 / 255}},
		{"open-size.onnx", Request{Labels: four, Normalisation: &unit, Input: models.Input{View: picture.View{Width: 8, Height: 8}}},
			models.Input{Name: "frames", Layout: models.NCHW, Type: models.Float32, Channels: models.RGB, Scale: unit.Scale}},
		{"two-outputs.onnx", Request{Labels: four, Output: models.Output{Name: "logits"}},
			models.Input{Name: "frames", Layout: models.NHWC, Type: models.Uint8, Channels: models.RGB}},
	} {
		t.Run(c.file, func(t *testing.T) {
			m, err := Inspect(read(t, c.file), c.request)
			if err != nil {
				t.Fatal(err)
			}
			c.want.View = picture.View{Width: 8, Height: 8, Resize: picture.Stretch}
			if diff := cmp.Diff(c.want, m.Input); diff != "" {
				t.Error(diff)
			}
			if want := c.file == "softmax.onnx"; want != (m.Output.Kind == models.Probabilities) {
				t.Errorf("its answers are interpreted as %s", m.Output.Kind)
			}
			answersColours(t, m, files)
			dir := filepath.Join(t.TempDir(), "pack")
			if err := m.Write(dir, "own", "1.0.0"); err != nil {
				t.Fatal(err)
			}
			p, err := models.OpenPack(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(); err != nil {
				t.Error(err)
			}
			if err := m.Write(dir, "own", "1.0.0"); err == nil || !strings.Contains(err.Error(), "already contains a pack") {
				t.Errorf("overwritten: %v", err)
			}
		})
	}
}

func answersColours(t *testing.T, m *Model, files []string) {
	t.Helper()
	trial, err := m.Try(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(trial.Warnings) > 0 {
		t.Error(trial.Warnings)
	}
	for _, p := range trial.Pictures {
		if want := strings.TrimSuffix(filepath.Base(p.File), ".png"); p.Err != nil || p.Guesses[0].Class != want || p.Guesses[0].Confidence < 0.9 {
			t.Errorf("%s: %+v, %v", want, p.Guesses, p.Err)
		}
	}
}

func TestAmbiguityIsReportedWithTheFlagThatResolvesIt(t *testing.T) {
	for name, c := range map[string]struct {
		file    string
		request Request
		want    []string
	}{
		"fewer labels":    {"plain.onnx", Request{Labels: four[:3], LabelsFrom: "l.txt"}, []string{"3 names in l.txt for 4 outputs"}},
		"no labels":       {"plain.onnx", Request{}, []string{"--labels"}},
		"open size":       {"open-size.onnx", Request{Labels: four}, []string{`"frames" float32 [N 3 ? ?]`, "--input"}},
		"two outputs":     {"two-outputs.onnx", Request{Labels: four}, []string{`"unit" float32 [N 3]`, "--output-name"}},
		"another size":    {"plain.onnx", Request{Labels: four, Input: models.Input{View: picture.View{Width: 16, Height: 16}}}, []string{"--input 16x16", "8x8 only"}},
		"another layout":  {"plain.onnx", Request{Labels: four, Input: models.Input{Layout: models.NCHW}}, []string{"layout nchw", "8 channels"}},
		"gray":            {"plain.onnx", Request{Labels: four, Input: models.Input{Channels: models.Gray}}, []string{"--channels gray", "takes 3"}},
		"normalised ints": {"plain.onnx", Request{Labels: four, Input: models.Input{Scale: 2}}, []string{"uint8 input takes pixel values unchanged"}},
		"not probable":    {"plain.onnx", Request{Labels: four, Output: models.Output{Kind: models.Probabilities}}, []string{"--answers probabilities"}},
		"no model":        {"make.py", Request{Labels: four}, []string{"not an ONNX"}},
	} {
		_, err := Inspect(read(t, c.file), c.request)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error is %q, expected one line that says %q", name, err, want)
			}
		}
	}
}

// A net trained on 0..1 and given 0..255 answers one class, or none; the trial suggests which
// normalisation is right.
func TestATrialDetectsAWrongNormalisation(t *testing.T) {
	m, err := Inspect(read(t, "nchw-normalised.onnx"), Request{Labels: four, Normalisation: &Normalisation{Scale: 1e-6}})
	if err != nil {
		t.Fatal(err)
	}
	trial, err := m.Try(colours(t))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(trial.Warnings, "\n")
	for _, want := range []string{"all 4 pictures get the same answer", "with --normalize imagenet"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not among the warnings: %q", want, all)
		}
	}
}

// Pictures in folders named after their classes tell which normalisation is right, whatever the model's confidence.
func TestATrialCountsRightAnswers(t *testing.T) {
	var files []string
	for _, file := range colours(t) {
		for range 2 {
			dir := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(file), ".png"))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(file, filepath.Join(dir, "1.png")); err != nil {
				t.Fatal(err)
			}
			files = append(files, filepath.Join(dir, "1.png"))
		}
	}
	for scale, want := range map[float32]struct {
		right   int
		warning string
	}{1e-6: {2, "with --normalize imagenet it answers 8 of 8 pictures as their folders are named, unchanged 2"}, 0: {8, ""}} {
		m, err := Inspect(read(t, "nchw-normalised.onnx"), Request{Labels: four, Input: models.Input{Scale: scale}})
		if err != nil {
			t.Fatal(err)
		}
		trial, err := m.Try(files)
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(trial.Warnings, "\n"); trial.Labelled != 8 || trial.Looks[0].Right != want.right || want.warning == "" != (all == "") || !strings.Contains(all, want.warning) {
			t.Errorf("scale %v: %d of %d right, warnings %q", scale, trial.Looks[0].Right, trial.Labelled, all)
		}
	}
}

// One picture more is no reason to doubt, many are; what both answer alike does not count.
func TestTheWayWithMoreRightAnswersWins(t *testing.T) {
	labels := []int{0, 0, 0, 0, 0, 0, 0, 0, -1}
	given := Look{answers: []int{0, 0, 0, 0, 1, 1, 1, 1, 0}}
	for name, c := range map[string]struct {
		answers []int
		want    bool
	}{
		"four more":           {[]int{0, 0, 0, 0, 0, 0, 0, 0, 0}, false},
		"three more, one off": {[]int{2, 0, 0, 0, 0, 0, 0, 1, 0}, false},
		"another wrong one":   {[]int{0, 0, 0, 0, 2, 2, 2, 2, 1}, false},
	} {
		if got := (Look{answers: c.answers}).righter(given, labels); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if worse := (Look{answers: []int{1, 1, 1, 1, 1, 1, 1, 1, 0}}); !(Look{answers: make([]int, 9)}).righter(worse, labels) {
		t.Error("eight right answers are no better than none")
	}
}

func TestOutputsOfAClassifier(t *testing.T) {
	for _, c := range []struct {
		shape []int64
		want  int
		says  string
	}{
		{[]int64{-1, 10}, 10, ""},
		{[]int64{1, 10, 1, 1}, 10, ""},
		{[]int64{-1, -1}, 0, ""}, // left open: the labels say
		{[]int64{-1, 1}, 0, "must have two"},
		{[]int64{-1}, 0, "detector"},
		{[]int64{-1, 84, 8400}, 0, "detector"},
		{[]int64{-1, -1, -1}, 0, "detector"},
		{[]int64{-1, 10, 32, 32}, 0, "segmentation"},
		{[]int64{100, 7}, 0, "--output-name"},
	} {
		got, err := outputsOf(c.shape)
		if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %d, %v; expected %d, %q", c.shape, got, err, c.want, c.says)
		}
	}
}

// With two classes twice the confidence of a guess is certainty, which must not count as guessing.
func TestGuessingIsToldFromAnswering(t *testing.T) {
	for classes, c := range map[int]struct{ guess, answer float64 }{
		2: {0.52, 0.6}, 3: {0.37, 0.5}, 10: {0.15, 0.25}, 1000: {0.0015, 0.01},
	} {
		if least := guessing(classes); !(c.guess < least && least <= c.answer) {
			t.Errorf("%d classes: below %v is guessing, expected between %v and %v", classes, least, c.guess, c.answer)
		}
	}
}

// Pictures are answered a few at a time, and each gets its own answer.
func TestManyPicturesAreTried(t *testing.T) {
	m, err := Inspect(read(t, "plain.onnx"), Request{Labels: four})
	if err != nil {
		t.Fatal(err)
	}
	files := colours(t)
	var many []string
	for i := range 2*atOnce + 3 {
		many = append(many, files[i%len(files)])
	}
	trial, err := m.Try(many)
	if err != nil || len(trial.Pictures) != len(many) {
		t.Fatal(len(trial.Pictures), err)
	}
	for i, p := range trial.Pictures {
		if want := strings.TrimSuffix(filepath.Base(many[i]), ".png"); p.Guesses[0].Class != want {
			t.Errorf("picture %d is %v, expected %s", i, p.Guesses, want)
		}
	}
}

func TestAPictureThatCannotBeReadIsNamed(t *testing.T) {
	m, err := Inspect(read(t, "plain.onnx"), Request{Labels: four})
	if err != nil {
		t.Fatal(err)
	}
	trial, err := m.Try([]string{nets + "make.py", "nowhere.png"})
	if err != nil || len(trial.Pictures) != 2 || trial.Pictures[0].Err == nil || trial.Pictures[1].Err == nil {
		t.Errorf("%+v, %v", trial, err)
	}
}

func TestDuplicateClassNamesAreReported(t *testing.T) {
	m, err := Inspect(read(t, "plain.onnx"), Request{Labels: []string{"crane", "owl", "crane", "crane"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"crane", "owl", "crane (2)", "crane (3)"}; !slices.Equal(m.Classes, want) {
		t.Errorf("%q", m.Classes)
	}
}

func TestMetadata(t *testing.T) {
	for text, want := range map[string][]string{
		`["a", "b"]`:                     {"a", "b"},
		`a, b,c`:                         {"a", "b", "c"},
		`{0: 'tench', 1: "jack-o'-l"}`:   {"tench", "jack-o'-l"},
		`{"0": "tench", "1": "\"x\""}`:   {"tench", `\"x\"`},
		`{1: 'starts', 2: 'too late'}`:   nil,
		`{0: 'a', 5: 'numbers missing'}`: nil,
	} {
		got := classesOf(map[string]string{"names": text})
		if strings.HasPrefix(text, "a,") {
			got = classesOf(map[string]string{"labels": text})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", text, got)
		}
	}
	if w, h, ok := sizeOf(map[string]string{"imgsz": "[224, 320]"}); w != 320 || h != 224 || !ok {
		t.Error(w, h, ok)
	}
	if c := channelsOf(map[string]string{pixelFormat: "Bgr8"}); c != models.BGR {
		t.Error(c)
	}
}

func TestTheMoreConfidentGuessWins(t *testing.T) {
	of := func(mean float64, distinct int, entropy ...float64) Look {
		l := Look{Mean: mean, Distinct: distinct, each: entropy}
		for _, h := range entropy {
			l.Entropy += h / float64(len(entropy))
		}
		return l
	}
	given := of(0.3, 6, 2, 3, 2, 3, 2, 3, 2, 3)
	for name, c := range map[string]struct {
		other Look
		want  bool
	}{
		"the same":                        {given, false},
		"less sure":                       {of(0.2, 6, 3, 4, 3, 4, 3, 4, 3, 4), false},
		"more confident on every picture": {of(0.35, 6, 1.7, 2.7, 1.6, 2.7, 1.7, 2.7, 1.6, 2.7), true},
		"less entropy, hardly surer":      {of(0.34, 6, 1.7, 2.7, 1.6, 2.7, 1.7, 2.7, 1.6, 2.7), false},
		"more confident on one picture":   {of(0.35, 6, 2, 3, 2, 3, 2, 3, 2, 0.2), false},
		"slightly more confident":         {of(0.31, 6, 1.9, 2.9, 1.9, 2.9, 1.9, 2.9, 1.9, 2.9), false},
		"confident of one answer":         {of(0.99, 1, 0, 0, 0, 0, 0, 0, 0, 0), false},
		"far surer":                       {of(0.6, 6, 2, 3, 2, 3, 2, 3, 2, 3), true},
		"twice as many answers":           {of(0.3, 12, 2, 3, 2, 3, 2, 3, 2, 2.9), true},
		"more answers, less confident":    {of(0.3, 12, 2, 3, 2, 3, 2, 3, 2, 3.1), false},
	} {
		if got := c.other.surer(given); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The channel order is tried too, together with mean and std.
func TestTheOtherChannelOrderIsTried(t *testing.T) {
	in := models.Input{Mean: []float32{1, 2, 3}, Std: []float32{4}}
	way, out, ok := reversed(in)
	if !ok || way != "--channels bgr" || out.Channels != models.BGR || !slices.Equal(out.Mean, []float32{3, 2, 1}) || !slices.Equal(in.Mean, []float32{1, 2, 3}) {
		t.Errorf("%s %+v of %+v", way, out, in)
	}
	if way, back, ok := reversed(out); !ok || way != "--channels rgb" || !slices.Equal(back.Mean, in.Mean) {
		t.Errorf("%s %+v", way, back)
	}
	if _, _, ok := reversed(models.Input{Channels: models.Gray}); ok {
		t.Error("grey has another channel order")
	}
}
