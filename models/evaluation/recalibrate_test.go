package evaluation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// skewed is a pack over the synthetic nets whose small net has a temperature that is wrong by a factor, or right.
func skewed(factor float32) *models.Pack {
	return &models.Pack{Manifest: models.Manifest{Format: 1, Name: "synthetic", Version: "1.0.0", Classes: make([]string, 12),
		Full: models.NetEntry{SHA256: "full", Temperature: 1}, Specialists: []models.NetEntry{{SHA256: "small", Temperature: factor}},
		Policy: policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.9, Teacher: policy.Inline, Alpha: 0.1, Decay: 0.6, Capacity: 1, Share: 0.2, AuditRate: 0.05}}}
}

// rowsOf plays a pack over streams and returns its rows and what it came to.
func rowsOf(t *testing.T, p *models.Pack, frames int, seed uint64) ([]schemas.Outcome, Figures) {
	t.Helper()
	table := synthetic(12, 6, 40, 0, 3)
	for i := range table.nets {
		if c := &table.nets[i]; c.SHA256 == "small" {
			c.Temperature = p.Specialists[0].Temperature
		}
	}
	if err := table.settle(); err != nil {
		t.Fatal(err)
	}
	setup := packSetups(p)[0]
	setup.Small, setup.rival.nets = "small", roleSmall
	one, err := table.player(setup.rival, setup.Setup)
	if err != nil {
		t.Fatal(err)
	}
	one.coin = &coin{Coin: audit.NewCoin(fmt.Append(nil, "secret", seed))}
	var rows []schemas.Outcome
	one.watch = func(f, row int, d policy.Decision) {
		o := schemas.Outcome{Stream: fmt.Sprint("s", one.coin.stream), Offset: int64(f), Pack: p.ID(), Threshold: d.Threshold}
		switch {
		case d.Hit:
			o.Outcome, o.Label, o.Confidence, o.Entropy = schemas.Hit, className(d.Class), d.Confidence, d.Entropy
			if o.AuditRate, o.Audited = d.AuditRate, d.Audited; d.Audited {
				o.AuditLabel = className(d.AuditClass)
			}
		default:
			o.Outcome, o.Label, o.ModelSHA256 = schemas.Miss, className(d.Class), "full"
			if d.Asked {
				o.SmallLabel, o.SmallConfidence, o.SmallEntropy = className(d.Small.Class), d.Small.Confidence, d.Small.Entropy
			}
		}
		rows = append(rows, o)
	}
	var streams []stream
	for _, k := range []Kind{{Active: 2, Dwell: 40}, {Active: 4, Dwell: 20}, {}} {
		streams = append(streams, newDrawer(table.tracks, len(table.classes), nil, seed).draw(k, frames/3)...)
	}
	sum, err := one.all(context.Background(), streams)
	if err != nil {
		t.Fatal(err)
	}
	return rows, sum.figures(table.full())
}

func yieldRows(rows []schemas.Outcome) func(func(schemas.Outcome, error) bool) {
	return func(yield func(schemas.Outcome, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// A net that is too sure loses less after a recalibration, one that is not sure enough hits more, and the temperature moves
// towards the right one.
func TestRecalibrateMendsAWrongTemperature(t *testing.T) {
	_, right := rowsOf(t, skewed(1), 12000, 7)
	for _, factor := range []float32{0.3, 3} {
		p := skewed(factor)
		rows, before := rowsOf(t, p, 12000, 5)
		budget := DefaultBudget()
		budget.Loss = 0.02
		found, err := Recalibrate(p, yieldRows(rows), budget)
		if err != nil {
			t.Fatal(err)
		}
		after := *p
		after.Specialists = []models.NetEntry{{SHA256: "small", Temperature: factor * float32(found.Scale)}}
		after.Policy = found.moved(p.Policy)
		_, then := rowsOf(t, &after, 12000, 7)
		t.Logf("factor %v: %+v\nhit rate %.3f → %.3f (right temperature: %.3f), agreement %.4f → %.4f (%.4f)", factor, *found, before.HitRate, then.HitRate, right.HitRate, before.Agreement, then.Agreement, right.Agreement)
		if scale := math.Log(found.Scale) / -math.Log(float64(factor)); scale < 0.5 || scale > 1.5 {
			t.Errorf("temperature %v is multiplied by %v", factor, found.Scale)
		}
		if factor < 1 && then.Agreement <= before.Agreement {
			t.Errorf("agreement %v, then %v", before.Agreement, then.Agreement)
		}
		if factor > 1 && then.HitRate <= before.HitRate {
			t.Errorf("hit rate %v, then %v", before.HitRate, then.HitRate)
		}
		if 1-then.Agreement > budget.Loss {
			t.Errorf("the budget is %v, %v is lost", budget.Loss, 1-then.Agreement)
		}
	}
}

// After a run with the settings for audits it is their threshold that is refitted.
func TestRecalibrateRefitsWhatTheRunUsed(t *testing.T) {
	p := skewed(1)
	p.Policy.Threshold = 0.7
	rows, _ := rowsOf(t, p, 12000, 5)
	audited := p.Policy
	p.Policy.Threshold, p.Audited = 0.9, &audited
	budget := DefaultBudget()
	budget.Loss = 0.02
	found, err := Recalibrate(p, yieldRows(rows), budget)
	if err != nil {
		t.Fatal(err)
	}
	if found.Threshold[0] != 0.7 || found.moved(p.Policy).Threshold == found.Threshold[1] || found.moved(*p.Audited).Threshold != found.Threshold[1] {
		t.Errorf("%+v", found)
	}
}

// Rows that say too little, or nothing of this pack, are refused.
func TestRecalibrateRefusesTooFewRows(t *testing.T) {
	rows, _ := rowsOf(t, skewed(1), 6000, 5)
	others := slices.Clone(rows)
	for i := range others {
		others[i].Policy = "full"
	}
	for want, rows := range map[string][]schemas.Outcome{
		"at least 230 are needed": rows[:20],
		"no row of pack":          others,
	} {
		if _, err := Recalibrate(skewed(1), yieldRows(rows), DefaultBudget()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d rows: %v, want %q", len(rows), err, want)
		}
	}
	p := skewed(1)
	p.Policy.Kind = policy.Full
	if _, err := Recalibrate(p, yieldRows(rows), DefaultBudget()); err == nil {
		t.Error("a pack that asks the full model every time was recalibrated")
	}
}

// Few audited hits, each of which stands for many, show nothing however many misses there are: a threshold that nothing passes would
// keep the budget, and the pack would never hit again.
func TestRecalibrateRefusesToLeaveNoHit(t *testing.T) {
	p := skewed(1)
	var rows []schemas.Outcome
	for i := range 400 {
		row := schemas.Outcome{Stream: fmt.Sprint(i % 40), Pack: "synthetic@1.0.0", ModelSHA256: p.Full.SHA256, Outcome: schemas.Miss, Label: "a", SmallLabel: "a", SmallConfidence: 0.5}
		if i%20 == 0 {
			row = schemas.Outcome{Stream: row.Stream, Pack: row.Pack, Outcome: schemas.Hit, Label: "a", Confidence: 0.99, Audited: true, AuditLabel: "a", AuditRate: 0.01}
		}
		rows = append(rows, row)
	}
	if r, err := Recalibrate(p, yieldRows(rows), DefaultBudget()); err == nil || !strings.Contains(err.Error(), "no threshold that leaves hits") {
		t.Errorf("%v; %+v", err, r)
	}
}

// A net that is wrong however sure it is has no threshold.
func TestRecalibrateRefusesANetThatIsNeverRight(t *testing.T) {
	var rows []schemas.Outcome
	for i := range 500 {
		rows = append(rows, schemas.Outcome{Stream: fmt.Sprint(i % 50), Pack: "synthetic@1.0.0", Outcome: schemas.Hit, Label: "a", Confidence: 1,
			Audited: true, AuditLabel: "b", AuditRate: 0.5})
	}
	if _, err := Recalibrate(skewed(1), yieldRows(rows), DefaultBudget()); err == nil || !strings.Contains(err.Error(), "train it again") {
		t.Error(err)
	}
}

// Settings that the run did not use keep their decisions at another temperature, and only the small nets get one.
func TestRecalibratedPackKeepsWhatTheRunDidNotUse(t *testing.T) {
	p, err := models.OpenPack(colours)
	if err != nil {
		t.Fatal(err)
	}
	routed, paper := p.Policy, p.Policy
	routed.Threshold, routed.Trust, paper.Kind, paper.Score = 0.8, 0.95, policy.Paper, policy.Entropy
	p.Routed, p.Paper = &routed, &paper
	r := Recalibrated{Scale: 2, Threshold: [2]float32{p.Policy.Threshold, 0.7}}
	b, err := r.Build(p, "1.0.1")
	if err != nil {
		t.Fatal(err)
	}
	m := b.Manifest
	if m.Version != "1.0.1" || m.Policy.Threshold != 0.7 || m.Specialists[0].Temperature != 2*p.Specialists[0].Temperature || m.Full.Temperature != p.Full.Temperature {
		t.Errorf("%+v", m)
	}
	if got := m.Routed.Threshold; math.Abs(float64(got)-2./3) > 1e-3 { // odds of 4 become 2
		t.Errorf("the threshold that was not used is %v", got)
	}
	if len(m.PaperNets) == 0 || m.PaperNets[0].Temperature != p.Specialists[0].Temperature {
		t.Errorf("the paper's nets are %+v", m.PaperNets)
	}
	dir := t.TempDir() + "/pack"
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := models.OpenPack(dir); err != nil {
		t.Error(err)
	}
}

func TestNextVersion(t *testing.T) {
	for from, want := range map[string]string{"1.2.0": "1.2.1", "9": "10", "v3": "v4", "2026-a": "", "": ""} {
		if got := NextVersion(from); got != want {
			t.Errorf("%q is followed by %q, want %q", from, got, want)
		}
	}
}
