package report

import (
	"strings"
	"testing"

	"github.com/cachenet/cachenet/schemas"
)

// auditedRows is a stream of n hits of which every tenth is audited; the first wrong of the audits disagree.
func auditedRows(stream string, from, n, wrong int, rate float32) []schemas.Outcome {
	rows := make([]schemas.Outcome, n)
	for i := range rows {
		rows[i] = frame(from + i)
		rows[i].Stream, rows[i].AuditRate = stream, rate
		if rate > 0 && i%10 == 0 {
			rows[i].Audited, rows[i].AuditLabel = true, "cat"
			if i/10 < wrong {
				rows[i].AuditLabel = "dog"
			}
		}
	}
	return rows
}

func TestAuditsBoundWrongHits(t *testing.T) {
	rows := auditedRows("good", 0, 2000, 0, 0.1)
	rows = append(rows, auditedRows("bad", 2000, 2000, 30, 0.1)...)
	rows = append(rows, auditedRows("short", 4000, 20, 0, 0.1)...)
	rows = append(rows, auditedRows("older", 5000, 300, 0, 0)...)
	rows = append(rows, rows[0]) // a duplicate row counts once
	m, err := summarize(rowsOf(rows...))
	if err != nil {
		t.Fatal(err)
	}
	a := m.Audits
	if a == nil || a.Hits != 4020 || a.Audited != 402 || a.Caught != 30 || a.TooFew != 1 || len(a.Streams) != 2 {
		t.Fatalf("%+v", a)
	}
	if a.Bound < 300 || a.FalseHitRate > 0.25 {
		t.Errorf("some 300 of 4,020 hits are wrong: %+v", a.Result)
	}
	if bad, good := a.Streams[0], a.Streams[1]; bad.Stream != "bad" || good.Stream != "good" || bad.Bound < 300 || good.Bound > 60 {
		t.Errorf("%+v", a.Streams)
	}
	var out strings.Builder
	if err := (Summary{Measures: m}).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"audits      402 of 4,020 hits, 30 wrong; at most", "bad: 200 of 2,000 hits, 30 wrong", "1 stream with too few audits"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

// An audit without an answer counts as a wrong hit.
func TestAnAuditWithoutAnswerCountsAsWrong(t *testing.T) {
	o := frame(0)
	o.Audited, o.AuditRate = true, 1
	m, err := summarize(rowsOf(o))
	if err != nil || m.Audits.Caught != 1 || m.Audits.Bound != 1 {
		t.Errorf("%+v, %v", m.Audits, err)
	}
}

func TestReportWithoutAudits(t *testing.T) {
	m, err := summarize(rowsOf(auditedRows("older", 0, 30, 0, 0)...))
	if err != nil || m.Audits != nil {
		t.Errorf("%+v, %v", m.Audits, err)
	}
}
