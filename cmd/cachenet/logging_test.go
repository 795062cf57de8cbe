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
