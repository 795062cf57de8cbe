package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// noSetting are the flags that a configuration file cannot set.
var noSetting = []string{"config", "print-config", "help", "verbose"}

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
		return fmt.Errorf("%s: not YAML: %w", path, err)
	}
	known := settings(flags)
	for _, key := range k.Keys() {
		f := known[key]
		if f == nil {
			return fmt.Errorf("%s: unknown key %s%s", path, key, nearest(key, names(known)))
		}
		value, err := asFlag(f, k.Get(key))
		if err == nil && !f.Changed && flags.Set(key, value) != nil {
			err = fmt.Errorf("%q must be %s", value, kinds[f.Value.Type()])
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, key, err)
		}
	}
	return nil
}

// kinds says of a type of flag what a value has to be.
var kinds = map[string]string{"bool": "true or false", "int": "a whole number", "int64": "a whole number", "duration": "a duration such as 10s"}

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
		all[name] = f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			all[name] = list.GetSlice()
		}
	}
	for name, value := range all {
		if f := flags.Lookup(name); f.Value.Type() == "bool" {
			all[name] = value == "true"
		}
	}
	text, err := yaml.Parser().Marshal(all)
	if err != nil {
		return "", fmt.Errorf("print configuration: %w", err)
	}
	return string(text), nil
}
