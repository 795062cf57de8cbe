package kafkaio

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		given []string
		want  []string
		err   string
	}{
		"one":              {given: []string{"kafka:9092"}, want: []string{"kafka:9092"}},
		"blanks and holes": {given: []string{" kafka:9092", "", "kafka-2:9092\n"}, want: []string{"kafka:9092", "kafka-2:9092"}},
		"default port":     {given: []string{"localhost"}, want: []string{"localhost"}},
		"IPv6":             {given: []string{"[::1]:9092"}, want: []string{"[::1]:9092"}},
		"none":             {given: []string{" ", ""}, err: "at least one"},
		"URL":              {given: []string{"https://kafka:9092"}, err: "without a scheme"},
		"listener":         {given: []string{"SASL_SSL://kafka:9092"}, err: "--tls"},
		"semicolons":       {given: []string{"a:1;b:2"}, err: "by commas"},
		"words":            {given: []string{"a:1 b:2"}, err: "by commas"},
		"path":             {given: []string{"kafka:9092/chroot"}, err: "without a path"},
		"bare IPv6":        {given: []string{"::1:9092"}, err: "[ADDRESS]:PORT"},
		"half a bracket":   {given: []string{"[::1"}, err: "[ADDRESS]:PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Addresses(c.given)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want one that says %q", err, c.err)
			}
		})
	}
}
