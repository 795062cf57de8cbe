package onnximport

import (
	"fmt"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/onnx"
)

// Normalisation is a usual way to turn levels 0 … 255 into a net's input.
type Normalisation struct {
	Name      string // as --normalize takes it
	Scale     float32
	Mean, Std []float32
}

// normalisations are the usual ones.
func normalisations() []Normalisation {
	return []Normalisation{
		{"imagenet", 1.0 / 255, []float32{0.485, 0.456, 0.406}, []float32{0.229, 0.224, 0.225}},
		{"0..1", 1.0 / 255, nil, nil},
		{"-1..1", 1.0 / 127.5, []float32{1}, nil},
		{"none", 0, nil, nil},
	}
}

// Named returns the usual normalisation of that name.
func Named(name string) (Normalisation, error) {
	var names []string
	for _, n := range normalisations() {
		if n.Name == name {
			return n, nil
		}
		names = append(names, n.Name)
	}
	return Normalisation{}, fmt.Errorf("%q: must be one of %v", name, names)
}

// apply gives the input this normalisation; that of a gray input is the mean over the colours.
func (n Normalisation) apply(in models.Input) models.Input {
	in.Scale, in.Mean, in.Std = n.Scale, n.Mean, n.Std
	if in.Channels == models.Gray && len(n.Mean) == 3 {
		in.Mean, in.Std = []float32{(n.Mean[0] + n.Mean[1] + n.Mean[2]) / 3}, []float32{(n.Std[0] + n.Std[1] + n.Std[2]) / 3}
	}
	if in.Channels == models.BGR && len(n.Mean) == 3 {
		in.Mean, in.Std = []float32{n.Mean[2], n.Mean[1], n.Mean[0]}, []float32{n.Std[2], n.Std[1], n.Std[0]}
	}
	return in
}

func (m *Model) settleNormalisation(r Request, inside onnx.Model) error {
	said := r.Input.Scale != 0 || r.Input.Mean != nil || r.Input.Std != nil
	assumed := normalisations()[0]
	source := Assumed
	switch inside.Metadata[pixelRange] {
	case "NominalRange_0_255":
		assumed, source = Normalisation{Name: "none"}, FromModel
	case "Normalized_0_1":
		assumed, source = normalisations()[1], FromModel
	case "Normalized_1_1":
		assumed, source = normalisations()[2], FromModel
	}
	switch {
	case said:
		m.note(Given, "", "value = %s", formula(m.Input))
	case r.Normalisation != nil:
		m.Input = r.Normalisation.apply(m.Input)
		m.note(Given, "", "value = %s", formula(m.Input))
	case m.Input.Type == models.Uint8:
		m.note(FromModel, "", "value = pixel")
	default:
		m.Input = assumed.apply(m.Input)
		m.note(source, "--normalize, or --scale, --mean and --std", "value = %s", formula(m.Input))
	}
	return nil
}

// formula is the normalisation in words.
func formula(in models.Input) string {
	s := "pixel"
	if in.Scale != 0 {
		s = fmt.Sprintf("pixel × %.6g", in.Scale)
	}
	if len(in.Mean) > 0 {
		s = fmt.Sprintf("%s − %v", s, in.Mean)
	}
	if len(in.Std) > 0 {
		s = fmt.Sprintf("(%s) / %v", s, in.Std)
	}
	return s
}
