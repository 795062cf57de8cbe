package evaluation

import (
	"testing"

	"github.com/cachenet/cachenet/models/policy"
)

// On a recording streams can be drawn of one camera, and hold the sequences of no other.
func TestStreamsOfOneCamera(t *testing.T) {
	r, p := still()
	r.cameras()
	m := &trustMeter{table: r.table, setup: packSetups(p)[0], audited: packSetups(p)[1], out: &Trust{Runs: 2, Limit: 0.02}}
	m.choose()
	if err := m.confuse(); err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for run := range uint64(8) {
		s, ok := m.oneCamera(run<<9, 100, 0, 1)
		if !ok {
			continue
		}
		drawn++
		for f, row := range s.rows {
			at := r.table.trackOf[row]
			if r.table.cameras[at] != r.table.cameras[r.table.trackOf[s.rows[0]]] || m.unknown(m.tracks[at]) != (f >= 100) {
				t.Fatalf("run %d: frame %d is of camera %d, unknown: %v", run, f, r.table.cameras[at], m.unknown(m.tracks[at]))
			}
		}
	}
	if drawn == 0 {
		t.Fatal("no camera has known and unknown sequences")
	}
	if err := m.switching(t.Context(), 1); err != nil || m.out.Fixed[0].Within.All == 0 || m.out.Switch[1].Within.All != 10 {
		t.Errorf("%+v, %+v, %v", m.out.Fixed, m.out.Switch, err)
	}
	r.table.cameras = nil
	if _, ok := m.oneCamera(0, 100, 0, 1); ok {
		t.Error("a table without cameras has streams of one")
	}
}

// A drift is right on a sequence about which the net is wrong, and a false alarm on another, wherever in it the stream was.
func TestFalseAlarmsAreToldFromDrifts(t *testing.T) {
	r, p := still()
	m := &trustMeter{table: r.table, setup: packSetups(p)[0], out: &Trust{}}
	net := *r.table.role(roleSmall)[0]
	net.shares = append([]float32(nil), net.shares...)
	tr := r.table.tracks[0]
	for i := range tr.frames {
		d := net.distribution(tr.first + i)
		clear(d)
		d[r.table.best[tr.first+i]] = 1
	}
	if m.rightDrift(&net, []int{tr.first}) {
		t.Error("the net is right on the whole sequence")
	}
	for i := range tr.frames / 2 {
		d := net.distribution(tr.first + i)
		clear(d)
		d[(r.table.best[tr.first+i]+1)%len(d)] = 1
	}
	if last := tr.first + tr.frames - 1; policy.Largest(net.distribution(last)) != r.table.best[last] || !m.rightDrift(&net, []int{last}) {
		t.Error("the net is wrong on half of the sequence")
	}
}
