package monitor

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// deviceFigures is a collector of a device's figures alone.
type deviceFigures kafkaio.UplinkCounts

func (d deviceFigures) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range uplinkDescs {
		to <- desc
	}
}

func (d deviceFigures) Collect(to chan<- prometheus.Metric) {
	collectUplink(to, kafkaio.UplinkCounts(d))
}

func TestFiguresOfADevice(t *testing.T) {
	c := kafkaio.UplinkCounts{Asked: 9, Sent: 10, Resent: 2, Answered: 5, Pending: 4, BytesUp: 1000, BytesDown: 50, Outages: 1, Down: 2.5}
	c.Wait.Buckets[0], c.Wait.Buckets[4], c.Wait.Buckets[len(c.Wait.Buckets)-1], c.Wait.Sum = 3, 1, 1, 3*time.Second
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(deviceFigures(c))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			if h := m.GetHistogram(); h != nil {
				got[name] = float64(h.GetSampleCount())
				if b := h.GetBucket(); b[0].GetCumulativeCount() != 3 || b[2].GetCumulativeCount() != 4 || b[2].GetUpperBound() != 0.004 {
					t.Errorf("%v", h)
				}
			}
		}
	}
	for name, want := range map[string]float64{
		"cachenet_uplink_frames_total asked": 9, "cachenet_uplink_frames_total sent": 10, "cachenet_uplink_frames_total resent": 2, "cachenet_uplink_frames_total answered": 5,
		"cachenet_uplink_asks_in_flight": 4, "cachenet_uplink_bytes_total up": 1000, "cachenet_uplink_bytes_total down": 50,
		"cachenet_uplink_outages_total": 1, "cachenet_uplink_down_seconds_total": 2.5, "cachenet_uplink_wait_seconds": 5,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
