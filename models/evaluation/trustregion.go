package evaluation

import (
	"context"
	"fmt"

	"github.com/cachenet/cachenet/models/policy"
	"github.com/cachenet/cachenet/schemas"
)

// cameras notes which stream of a recording each sequence is of.
func (r *Recording) cameras() {
	t := r.table
	t.cameras = make([]int, len(t.tracks))
	for stream, rows := range r.streams {
		for _, row := range rows {
			t.cameras[t.trackOf[row]] = stream
		}
	}
}

// oneCamera draws a stream as stretches does, but of the sequences of one camera, so that its picture changes only as far as
// what it shows does. None where cameras are not known, or that camera shows nothing unknown, or nothing else.
func (m *trustMeter) oneCamera(seed uint64, dwell int, unknown ...float64) (s stream, ok bool) {
	if m.table.cameras == nil {
		return s, false
	}
	last := 0
	for _, c := range m.table.cameras {
		last = max(last, c)
	}
	camera := int(seed>>9) % (last + 1)
	one := *m
	one.tracks = nil
	var some [2]bool
	for i, tr := range m.tracks {
		if m.table.cameras[i] == camera {
			one.tracks = append(one.tracks, tr)
			some[count(m.unknown(tr))] = true
		}
	}
	if !some[0] || !some[1] {
		return s, false
	}
	return one.stretches(seed, dwell, unknown...), true
}

// rightDrift reports whether the small net is wrong on more of the frames of the sequences played than a stream may be before it is left, where it is
// sure by itself. All frames of the sequences count, also those that were not played: a chance run of wrong answers is a
// false alarm.
func (m *trustMeter) rightDrift(net *column, rows []int) bool {
	seen := map[int]bool{}
	wrong, sure := 0, 0
	for _, row := range rows {
		at := m.table.trackOf[row]
		if seen[at] {
			continue
		}
		seen[at] = true
		tr := m.table.tracks[at]
		for f := tr.first; f < tr.first+tr.frames; f++ {
			p := net.distribution(f)
			if c := policy.Largest(p); p[c] >= m.setup.Settings.Threshold {
				sure++
				wrong += count(c != m.table.best[f])
			}
		}
	}
	return float64(wrong) > policy.DriftShare*float64(sure)
}

// stationary counts drifts on streams of known classes, and those of them that were no false alarms.
func (m *trustMeter) stationary(ctx context.Context, seed uint64) error {
	drifts, right, frames := 0, 0, 0
	p, err := m.player(m.table, auditRate, 0, fmt.Sprint("stationary ", seed))
	if err != nil {
		return err
	}
	var since []int // rows since the stream was put on probation
	p.watch = func(frame, row int, d policy.Decision) {
		if frame == 0 || d.CacheEvent == schemas.TrustBypass {
			since = since[:0]
		}
		since = append(since, row)
		if d.CacheEvent == schemas.TrustDrift {
			drifts++
			right += count(m.rightDrift(p.nets.specialists[0], since))
		}
	}
	for _, k := range kinds(len(m.table.classes), false) {
		d := newDrawer(m.table.tracks, len(m.table.classes), nil, seed)
		sum, err := p.all(ctx, d.draw(k, 200*m.out.Runs))
		if err != nil {
			return err
		}
		frames += sum.frames
	}
	m.out.Drifts, m.out.False = 1e4*share(drifts, frames), 1e4*share(drifts-right, frames)
	return nil
}
