package kafkaio

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// An outage of a topic with many partitions is two lines, however many of them notice it and in whatever order.
func TestAnOutageIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	var i interruption
	for p := range 3 {
		i.began("partition", p)
	}
	i.ended(false, "frames") // its reader was closed meanwhile
	i.ended(true, "frames")
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "reading is interrupted; retrying\" partition=0") {
		t.Errorf("while a partition is away the log is %q", text)
	}
	i.ended(true, "frames")
	i.began("partition", 2)
	i.ended(false, "frames")
	if text := log.String(); strings.Count(text, "reading continues") != 1 || strings.Count(text, "reading is interrupted") != 2 {
		t.Errorf("after a second outage, whose reader was closed, the log is %q", text)
	}
}
