package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// With returns the settings with some of them replaced, each given as NAME=VALUE by its name in a manifest, e.g.
// threshold=0.9. It checks the names and the types; see [Settings.Validate] for the values.
func (s Settings) With(set []string) (Settings, error) {
	for _, one := range set {
		name, value, found := strings.Cut(one, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return s, fmt.Errorf("%q: must be NAME=VALUE, e.g. threshold=0.9", one)
		}
		next, err := s.with(name, strings.TrimSpace(value))
		if err != nil {
			return s, err
		}
		s = next
	}
	return s, nil
}

func (s Settings) with(name, value string) (Settings, error) {
	known := names()
	if !slices.Contains(known, name) {
		return s, fmt.Errorf("%s: not a setting of a policy: must be one of %s", name, strings.Join(known, ", "))
	}
	for _, text := range []string{value, fmt.Sprintf("%q", value)} { // a number, or a word
		one, err := json.Marshal(map[string]json.RawMessage{name: json.RawMessage(text)})
		if err != nil {
			continue
		}
		next := s
		d := json.NewDecoder(bytes.NewReader(one))
		if d.Decode(&next) == nil {
			return next, nil
		}
	}
	return s, fmt.Errorf("%s=%s: must be %s", name, value, kindOf(name))
}

// kindOf says what the value of a setting has to be.
func kindOf(name string) string {
	for f := range reflect.TypeFor[Settings]().Fields() {
		if known, _, _ := strings.Cut(f.Tag.Get("json"), ","); known != name {
			continue
		}
		switch {
		case f.Type.Kind() == reflect.String:
			return "a word"
		case f.Type.Kind() == reflect.Float32 || f.Type.Kind() == reflect.Float64:
			return "a number"
		}
	}
	return "a whole number"
}

// names lists the settings by their names in a manifest.
func names() (all []string) {
	for f := range reflect.TypeFor[Settings]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
