// Package onnximport makes a pack of a user's own classifier. What the model expects is read from the file or given by the
// user; the rest is assumed, and each assumption is reported.
package onnximport

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/onnx"
	"github.com/cachenet/cachenet/models/picture"
)

// Request is what a user says of a model; what is empty is read from the file, or assumed.
type Request struct {
	Labels        []string     // one for each output, in order
	LabelsFrom    string       // where the labels come from, for messages
	Input         models.Input // width and height 0, and every other empty field: not said
	Output        models.Output
	Normalisation *Normalisation // a usual one, instead of the input's scale, mean and std; nil: not said
}

// Note is one thing that was settled about a model.
type Note struct {
	What    string // e.g. layout nchw
	Source  string // one of the sources below
	Setting string // the flag that would change it; empty: none
}

// Sources of a note.
const (
	FromModel = "model"
	Given     = "given"
	Assumed   = "assumed"
	Doubt     = "warning" // what is wrong with the model's answers to test frames
)

// Model is a classifier whose input and output are understood.
type Model struct {
	File    []byte // the ONNX file, with all weights in it
	Input   models.Input
	Output  models.Output
	Classes []string
	Notes   []Note
	In, Out models.Tensor // as the file declares them
}

// Inspect understands a model, given its file with all weights in it.
func Inspect(file []byte, r Request) (*Model, error) {
	inside, err := onnx.Read(file)
	if err != nil {
		return nil, err
	}
	inputs, outputs, err := models.Describe(file)
	if err != nil {
		return nil, err
	}
	m := &Model{File: file, Input: r.Input, Output: r.Output}
	if m.In, err = pick("input", r.Input.Name, inputs); err != nil {
		return nil, err
	}
	if m.Out, err = pick("output", r.Output.Name, outputs); err != nil {
		return nil, err
	}
	m.Input.Name, m.Output.Name = m.In.Name, m.Out.Name
	for _, settle := range []func(Request, onnx.Model) error{m.settleType, m.settleLayout, m.settleSize, m.settleChannels, m.settleNormalisation,
		m.settleView, m.settleClasses} {
		if err := settle(r, inside); err != nil {
			return nil, fmt.Errorf("input %s, output %s: %w", m.In, m.Out, err)
		}
	}
	return m, m.settleKind(inside)
}

// pick finds the tensor with a name; without one there must be one only.
func pick(what, name string, all []models.Tensor) (models.Tensor, error) {
	var found []string
	for _, t := range all {
		if t.Name == name || name == "" && len(all) == 1 {
			return t, nil
		}
		found = append(found, t.String())
	}
	return models.Tensor{}, fmt.Errorf("%d %ss: %s: choose one with --%s-name", len(all), what, strings.Join(found, ", "), what)
}

func (m *Model) note(source, setting, format string, args ...any) {
	m.Notes = append(m.Notes, Note{fmt.Sprintf(format, args...), source, setting})
}

func (m *Model) settleType(Request, onnx.Model) error {
	switch m.In.Type {
	case models.Uint8, models.Float32, models.Float16:
	default:
		return fmt.Errorf("inputs of type uint8, float32 and float16 are supported, not %s: export it with a cast from one of them", m.In.Type)
	}
	if m.Out.Type != models.Float32 && m.Out.Type != models.Float16 {
		return fmt.Errorf("outputs of type float32 and float16 are supported, not %s: export it with a cast, or choose another output with --output-name", m.Out.Type)
	}
	m.Input.Type = m.In.Type
	m.note(FromModel, "", "type %s", m.In.Type)
	return nil
}

func (m *Model) settleLayout(r Request, _ onnx.Model) error {
	s := m.In.Shape
	if len(s) != 4 {
		return fmt.Errorf("the input must have 4 dimensions, [N channels height width] or [N height width channels], not %d", len(s))
	}
	if s[0] > 1 {
		return fmt.Errorf("its batch size is fixed to %d: export it with a batch of 1, or of any size", s[0])
	}
	colours := func(d int64) bool { return d == 1 || d == 3 }
	first, last := colours(s[1]), colours(s[3])
	switch {
	case r.Input.Layout != "":
		m.note(Given, "", "layout %s", r.Input.Layout)
	case first && !last:
		m.Input.Layout = models.NCHW
		m.note(FromModel, "", "layout nchw")
	case last && !first:
		m.Input.Layout = models.NHWC
		m.note(FromModel, "", "layout nhwc")
	default:
		return errors.New("the channel dimension (1 or 3) is ambiguous: give --layout nchw or nhwc")
	}
	if at := m.channelAt(); s[at] > 0 && !colours(s[at]) {
		return fmt.Errorf("layout %s: that would be %d channels: 1 and 3 are supported", m.Input.Layout, s[at])
	}
	if s[0] == 1 {
		m.note(FromModel, "", "one frame a call")
	}
	return nil
}

// channelAt is the dimension of the channels.
func (m *Model) channelAt() int {
	if m.Input.Layout == models.NCHW {
		return 1
	}
	return 3
}

func (m *Model) settleSize(r Request, inside onnx.Model) error {
	s, at := m.In.Shape, m.channelAt()
	h, w := s[1], s[2]
	if at == 1 {
		h, w = s[2], s[3]
	}
	given := r.Input.Width != 0
	switch {
	case h > 0 && w > 0:
		if given && (int64(r.Input.Width) != w || int64(r.Input.Height) != h) {
			return fmt.Errorf("--input %dx%d: the model takes %dx%d only", r.Input.Width, r.Input.Height, w, h)
		}
		m.Input.Width, m.Input.Height = int(w), int(h)
		m.note(FromModel, "", "size %dx%d", w, h)
	case given:
		m.note(Given, "", "size %dx%d", r.Input.Width, r.Input.Height)
	default:
		width, height, ok := sizeOf(inside.Metadata)
		if !ok {
			return errors.New("its input size is not fixed: give the size it was trained on with --input WIDTHxHEIGHT")
		}
		m.Input.Width, m.Input.Height = width, height
		m.note(FromModel, "--input", "size %dx%d", width, height)
	}
	return nil
}

func (m *Model) settleChannels(r Request, inside onnx.Model) error {
	one := m.In.Shape[m.channelAt()] == 1
	told := channelsOf(inside.Metadata)
	switch {
	case r.Input.Channels != "":
		m.note(Given, "", "channels %s", r.Input.Channels)
	case one:
		m.Input.Channels = models.Gray
		m.note(FromModel, "", "channels gray")
	case told != "":
		m.Input.Channels = told
		m.note(FromModel, "--channels", "channels %s", told)
	default:
		m.Input.Channels = models.RGB
		m.note(Assumed, "--channels", "channels rgb")
	}
	if one != (m.Input.Channels == models.Gray) && m.In.Shape[m.channelAt()] > 0 {
		return fmt.Errorf("--channels %s: the model takes %d", m.Input.Channels, m.In.Shape[m.channelAt()])
	}
	return nil
}

func (m *Model) settleView(r Request, _ onnx.Model) error {
	if r.Input.Resize != "" {
		m.note(Given, "", "resize %s", r.Input.Resize)
	} else {
		m.Input.Resize = picture.Stretch
		m.note(Assumed, "--resize", "resize stretch: the whole frame, whatever its shape")
	}
	return m.Input.Validate()
}

func (m *Model) settleClasses(r Request, inside onnx.Model) error {
	m.Classes = slices.Clone(r.Labels)
	from := r.LabelsFrom
	if m.Classes == nil {
		if m.Classes = classesOf(inside.Metadata); m.Classes == nil {
			return errors.New("it does not name its classes: give --labels FILE, one name per line for each output")
		}
		from = "the model"
		m.note(FromModel, "--labels", "%d class names", len(m.Classes))
	}
	k, err := outputsOf(m.Out.Shape)
	if err != nil {
		return err
	}
	if k > 0 && k != len(m.Classes) {
		return fmt.Errorf("%d names in %s for %d outputs: give one name per line for each output, in their order", len(m.Classes), from, k)
	}
	for i, name := range m.Classes { // lists of ImageNet name two things crane
		same := 1
		for slices.Contains(m.Classes[:i], m.Classes[i]) {
			same++
			m.Classes[i] = fmt.Sprintf("%s (%d)", name, same)
		}
		if same > 1 {
			m.note(FromModel, "", "class %d is named %q, since an earlier one is called %q", i, m.Classes[i], name)
		}
	}
	return nil
}

// outputsOf is the number of outputs that a shape [N, outputs] tells, with dimensions of 1 around it; 0: it is left open.
func outputsOf(shape []int64) (int, error) {
	var wide []int64
	for _, d := range shape[min(1, len(shape)):] {
		if d != 1 {
			wide = append(wide, d)
		}
	}
	if len(shape) < 2 || shape[0] > 1 || len(wide) > 1 {
		return 0, errors.New("a classifier gives one number per class for each frame, [N classes]: is this a detector, a segmentation, or a layer before the last? Choose another output with --output-name, or export the model with a head of classes")
	}
	if len(wide) == 0 {
		return 0, errors.New("it has one output: a classifier of two classes must have two, one for each: export it so, 1 − p and p for example")
	}
	return int(max(0, wide[0])), nil
}

// settleKind loads the model and looks at what it answers.
func (m *Model) settleKind(inside onnx.Model) error {
	if m.Output.Kind != "" {
		m.note(Given, "", "answers are %s", m.Output.Kind)
	}
	net, err := models.LoadNet(m.File, m.Input, models.Output{Name: m.Output.Name}, len(m.Classes))
	if err != nil {
		return err
	}
	defer net.Close()
	kind, doubt, err := net.Kind()
	if err != nil {
		return fmt.Errorf("input %s, output %s: it does not answer a test frame with %d numbers, one per class: %w", m.In, m.Out, len(m.Classes), err)
	}
	if doubt != "" {
		m.note(Doubt, "", "%s", doubt)
	}
	switch {
	case m.Output.Kind == "" && inside.Softmax:
		m.Output.Kind = models.Probabilities
		m.note(FromModel, "", "answers are probabilities: its last layer is a softmax")
	case m.Output.Kind == "":
		m.Output.Kind = kind
		why := "they do not sum to 1"
		if kind == models.Probabilities {
			why = "they sum to 1 on test frames"
		}
		m.note(FromModel, "--answers", "answers are %s: %s", kind, why)
	case m.Output.Kind == models.Probabilities && kind == models.Logits:
		return errors.New("--answers probabilities: its outputs do not sum to 1")
	}
	return nil
}
