package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// noSetting are the flags that a configuration file cannot set.
var noSetting = []string{"config", "print-config", "help", "verbose", "log-format"}

// settings are the flags that a configuration file may set, by name.
func settings(flags *pflag.FlagSet) map[string]*pflag.Flag {
	all := map[string]*pflag.Flag{}
	flags.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(noSetting, f.Name) {
			all[f.Name] = f
		}
	})
	return all
}

// configure sets the flags that were not given from a YAML file, whose keys are the flags' names. What is wrong with the
// file is an error that names the key.
func configure(flags *pflag.FlagSet, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	k := koanf.New("/") // no setting has a slash in its name
	if err := k.Load(rawbytes.Provider(text), yaml.Parser()); err != nil {
		return fmt.Errorf("%s: not YAML with a setting on each line: %s", path, yamlError(err))
	}
	known := settings(flags)
	var wrong []string // all of it, so that one look at the file is enough
	for _, key := range k.Keys() {
		if known[key] == nil {
			wrong = append(wrong, "unknown key "+key+nearest(key, names(known)))
			continue
		}
		if err := setFrom(flags, known[key], k.Get(key)); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", key, err))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s: %s", path, strings.Join(wrong, "; "))
	}
	return nil
}

// setFrom sets a flag that was not given to the value that a file has for it.
func setFrom(flags *pflag.FlagSet, f *pflag.Flag, value any) error {
	text, err := asFlag(f, value)
	if err != nil || f.Changed {
		return err
	}
	if err := flags.Set(f.Name, text); err != nil {
		return mustBe(err, f, text)
	}
	return nil
}

// yamlError is what a YAML parser says, without the Go types in it.
func yamlError(err error) string {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n")
	if before, _, is := strings.Cut(text, " into map["); is {
		text = before
	}
	return strings.TrimSpace(text)
}

// kinds says of a type of flag what a value has to be.
var kinds = map[string]string{
	"bool": "true or false", "int": "a whole number", "int64": "a whole number", "uint64": "a whole number from 0 on",
	"float64": "a number such as 0.05", "duration": "a duration such as 10s",
}

// mustBe words err, from setting f to value, by the kind of the flag.
func mustBe(err error, f *pflag.Flag, value string) error {
	if kind := kinds[f.Value.Type()]; kind != "" {
		return fmt.Errorf("%q must be %s", value, kind)
	}
	return err
}

func names(flags map[string]*pflag.Flag) []string {
	var all []string
	for name := range flags {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// asFlag is a value of the file as it would be given on the command line.
func asFlag(f *pflag.Flag, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", fmt.Errorf("has no value: give it one or leave the key out")
	case map[string]any:
		return "", fmt.Errorf("has nested keys: must be a single value")
	case []any:
		if f.Value.Type() != "stringSlice" {
			return "", fmt.Errorf("is a list: must be a single value")
		}
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = fmt.Sprint(v[i])
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(value), nil
}

// furthest is how many letters a misspelt name may differ by.
const furthest = 3

// nearest asks whether the known name closest to a wrong one was meant; it is empty where none is close.
func nearest(wrong string, known []string) string {
	best, at := "", furthest+1
	for _, name := range known {
		if d := levenshtein.ComputeDistance(wrong, name); d < at {
			best, at = name, d
		}
	}
	if best == "" || at >= len(best) {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// printed is every setting as the configuration file that would set it. Passwords are no settings: only where they are
// to be found.
func printed(flags *pflag.FlagSet) (string, error) {
	all := map[string]any{}
	for name, f := range settings(flags) {
		all[name] = inYAML(f)
	}
	text, err := yaml.Parser().Marshal(all)
	if err != nil {
		return "", fmt.Errorf("print configuration: %w", err)
	}
	return string(text), nil
}

// inYAML is the value of a flag with the type that its kind has in YAML.
func inYAML(f *pflag.Flag) any {
	text := f.Value.String()
	switch f.Value.Type() {
	case "bool":
		return text == "true"
	case "int", "int64":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case "float64":
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			return x
		}
	}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return text
}
