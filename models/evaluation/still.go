package evaluation

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/audit"
	"github.com/cachenet/cachenet/models/policy"
)

// Still is what it saves and costs to repeat answers on recorded streams, with audits at 1 %.
type Still struct {
	Pack, Recorded string
	Seeds          int
	FullRight      float64 // share of its answers that are right
	FullUs, LookUs float64 // of the full model, and to look whether a frame is nearly equal to the one before
	Rows           []StillRow
}

// StillRow is one way to answer the streams: means over the seeds of the audits' coin, and their spread. All are shares of
// the frames, but Saved, which is one of the full model's time on every frame.
type StillRow struct {
	Name           string
	Saved, SavedSD float64 // time in nets, audits included
	Loss, LossSD   float64 // accuracy of the full model less that of the answers
	Agreement      float64 // answers that are the full model's
	Same, Full     float64 // frames that took the answer before; that the full model was asked about, other than in audits
}

// stillWays are the frames in a row that may take one answer.
var stillWays = []int{0, 10, 5, 3}

// MeasureStill answers the recorded streams with the full model and with the pack's policy, and repeats answers or not.
func MeasureStill(ctx context.Context, p *models.Pack, r *Recording, seeds int, seed uint64) (*Still, error) {
	t := r.table
	right := 0
	for f := range t.labels {
		right += count(t.best[f] == t.labels[f])
	}
	out := &Still{Pack: p.ID(), Recorded: r.String(), FullRight: share(right, len(t.labels)), Seeds: seeds, FullUs: t.full().us, LookUs: t.glance}
	var streams []stream
	for _, rows := range r.streams {
		streams = append(streams, t.recorded(rows))
	}
	pack := packSetups(p)[1]
	full := packSetups(p)[0]
	full.Settings.Kind, full.Settings.Teacher = policy.Full, policy.Inline
	for _, way := range []struct {
		name  string
		setup ownSetup
	}{{"full model on every frame", full}, {"the pack's cache", pack}} {
		for _, similar := range stillWays {
			row := StillRow{Name: way.name}
			s := way.setup.Setup
			s.Settings.AuditRate, s.Settings.Similar, s.Settings.SimilarMs = auditRate, similar, policy.DefaultSimilarMs
			if similar > 0 {
				row.Name = fmt.Sprintf("… answers repeated up to %d times", similar)
			}
			if err := row.play(ctx, t, way.setup.rival, s, streams, seeds, seed); err != nil {
				return nil, err
			}
			out.Rows = append(out.Rows, row)
		}
	}
	return out, nil
}

// play fills the row's figures.
func (row *StillRow) play(ctx context.Context, t *Table, r rival, s Setup, streams []stream, seeds int, seed uint64) error {
	var saved, loss []float64
	for i := range seeds {
		p, err := t.player(r, s)
		if err != nil {
			return err
		}
		p.coin = &coin{Coin: audit.NewCoin(fmt.Appendf(nil, "still %d", seed+uint64(i)))}
		same, full := 0, 0
		p.watch = func(_, _ int, d policy.Decision) {
			same, full = same+count(d.Same), full+count(!d.Same && !d.Hit)
		}
		sum, err := p.all(ctx, streams)
		if err != nil {
			return err
		}
		f := sum.figures(t.full())
		saved, loss = append(saved, 1-f.Us/t.full().us), append(loss, f.Loss)
		row.Agreement += f.Agreement / float64(seeds)
		row.Same += share(same, sum.frames) / float64(seeds)
		row.Full += share(full, sum.frames) / float64(seeds)
	}
	row.Saved, row.SavedSD = meanSD(saved)
	row.Loss, row.LossSD = meanSD(loss)
	return nil
}

// meanSD returns mean and standard deviation (of a sample).
func meanSD(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean) / max(1, float64(len(v)-1))
	}
	return mean, math.Sqrt(sd)
}

// Markdown returns the rows as a table.
func (s *Still) Markdown() string {
	g := grid{{"", "model time saved, %", "accuracy lost, points", "agreement, %", "answers repeated, %", "full model asked, audits left out, %"}}
	for _, r := range s.Rows {
		g = append(g, []string{r.Name, fmt.Sprintf("%.1f ± %.1f", 100*r.Saved, 100*r.SavedSD), points(r.Loss, r.LossSD), fmt.Sprintf("%.1f", 100*r.Agreement),
			fmt.Sprintf("%.1f", 100*r.Same), fmt.Sprintf("%.1f", 100*r.Full)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s; %d seeds of the audits' coin; full model %.1f %% right, %.0f µs a frame; looking at a frame %.0f µs.\n\n%s", s.Pack, s.Recorded, s.Seeds, 100*s.FullRight, s.FullUs, s.LookUs, g.markdown())
	return b.String()
}
