package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestLogFormats(t *testing.T) {
	for _, c := range []struct {
		logging
		debug bool
		wrong bool
	}{
		{logging{format: "text"}, false, false},
		{logging{format: "json"}, false, false},
		{logging{format: "json", verbose: true}, true, false},
		{logging{format: "xml"}, false, true},
	} {
		var out bytes.Buffer
		log, err := c.logger(&out)
		if wrong := errors.As(err, new(usageError)); wrong != c.wrong {
			t.Errorf("%+v: %v", c.logging, err)
		}
		log.Debug("detail")
		log.Warn("broker away", "topic", "frames")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if debug := strings.Contains(out.String(), "detail"); debug != c.debug {
			t.Errorf("%+v: logged %q", c.logging, out.String())
		}
		var fields map[string]any
		isJSON := json.Unmarshal([]byte(lines[len(lines)-1]), &fields) == nil
		if isJSON != (c.format == "json") || isJSON && (fields["msg"] != "broker away" || fields["topic"] != "frames" || fields["level"] != "WARN") {
			t.Errorf("%+v: logged %q", c.logging, out.String())
		}
	}
}

func TestAnUnknownLogFormatIsWrongUsage(t *testing.T) {
	p := start(t, "version", "--log-format", "xml")
	if code := p.exit(t); code != 2 || !strings.Contains(p.said(t), `--log-format "xml": must be text or json`) {
		t.Errorf("exit code %d: %s", code, p.said(t))
	}
}

// With JSON logs stderr holds JSON and nothing else: the progress, the figures at the end and the error too.
func TestJSONLogsAreAllOfStderr(t *testing.T) {
	addr := embedded(t)
	mustRun(t, "produce", "--brokers", addr, "--topic", "frames", "--source", someImages, "--streams", "2", "--frames", "20")
	run := []string{"run", "--log-format", "json", "--brokers", addr, "--group", "g", "--pack", coloursPack, "--out", t.TempDir(), "--until-end"}
	for topic, c := range map[string]struct {
		code int
		want []string
	}{
		"frames": {0, []string{"progress", "the run ended"}},
		"absent": {1, []string{"create it or correct its name"}},
	} {
		p := start(t, append(run, "--topic", topic)...)
		code, said := p.exit(t), strings.TrimSpace(p.said(t))
		if code != c.code {
			t.Errorf("%s: exit code %d", topic, code)
		}
		for line := range strings.Lines(said) {
			var fields struct{ Msg string }
			if err := json.Unmarshal([]byte(line), &fields); err != nil || fields.Msg == "" {
				t.Errorf("%s: %q is no record: %v", topic, line, err)
			}
		}
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q lacks %q", topic, said, want)
			}
		}
	}
}
