package monitor

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cachenet/cachenet/connectors/kafkaio"
)

// What passes between a device and its server, of the job that runs now.
var (
	uplinkFramesDesc  = prometheus.NewDesc("cachenet_uplink_frames_total", "Frames of a device: asked about, sent (acknowledged by the server's broker), resent because the server lost them, answered, expired without an answer, answered late, refused by the server's topic.", []string{"event"}, nil)
	uplinkPendingDesc = prometheus.NewDesc("cachenet_uplink_asks_in_flight", "Frames of a device that wait for the server.", nil, nil)
	uplinkBytesDesc   = prometheus.NewDesc("cachenet_uplink_bytes_total", "Bytes of records between a device and its server.", []string{"direction"}, nil)
	uplinkDownDesc    = prometheus.NewDesc("cachenet_uplink_down_seconds_total", "Time in which the server did not respond.", nil, nil)
	uplinkOutagesDesc = prometheus.NewDesc("cachenet_uplink_outages_total", "Times that the server did not respond.", nil, nil)
	uplinkWaitDesc    = prometheus.NewDesc("cachenet_uplink_wait_seconds", "Time from a frame's decision to the server's answer.", nil, nil)
)

var uplinkDescs = []*prometheus.Desc{uplinkFramesDesc, uplinkPendingDesc, uplinkBytesDesc, uplinkDownDesc, uplinkOutagesDesc, uplinkWaitDesc}

// collectUplink sends the figures of a device.
func collectUplink(to chan<- prometheus.Metric, c kafkaio.UplinkCounts) {
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	for event, n := range map[string]int64{"asked": c.Asked, "sent": c.Sent, "resent": c.Resent, "answered": c.Answered, "expired": c.Expired, "late": c.Late, "refused": c.Refused} {
		counter(uplinkFramesDesc, float64(n), event)
	}
	to <- prometheus.MustNewConstMetric(uplinkPendingDesc, prometheus.GaugeValue, float64(c.Pending))
	counter(uplinkBytesDesc, float64(c.BytesUp), "up")
	counter(uplinkBytesDesc, float64(c.BytesDown), "down")
	counter(uplinkDownDesc, c.Down)
	counter(uplinkOutagesDesc, float64(c.Outages))
	below, sum := map[float64]uint64{}, uint64(0)
	for i, n := range c.Wait.Buckets[:len(c.Wait.Buckets)-1] {
		if sum += uint64(n); i%2 == 0 { // a factor of 2 is fine enough for a dashboard
			below[c.Wait.Bound(i).Seconds()] = sum
		}
	}
	to <- prometheus.MustNewConstHistogram(uplinkWaitDesc, uint64(c.Wait.Count()), c.Wait.Sum.Seconds(), below)
}
