package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

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
	for name, want := range map[string]string{
		"cachenet_uplink_asks_in_flight": "cachenet_uplink_asks_in_flight 4\n",
		"cachenet_uplink_bytes_total":    `cachenet_uplink_bytes_total{direction="down"} 50` + "\n" + `cachenet_uplink_bytes_total{direction="up"} 1000` + "\n",
	} {
		if err := testutil.CollectAndCompare(deviceFigures(c), strings.NewReader(header(name)+want), name); err != nil {
			t.Error(err)
		}
	}
	if problems, err := testutil.CollectAndLint(deviceFigures(c)); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(deviceFigures(c))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "cachenet_uplink_wait_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 5 || h.GetBucket()[0].GetCumulativeCount() != 3 || h.GetBucket()[2].GetCumulativeCount() != 4 || h.GetBucket()[2].GetUpperBound() != 0.004 {
			t.Errorf("%v", h)
		}
		return
	}
	t.Error("no histogram of waits")
}

func header(name string) string {
	kind, help := "gauge", "Frames of a device that wait for the server."
	if strings.HasSuffix(name, "_total") {
		kind, help = "counter", "Bytes of records between a device and its server."
	}
	return "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n"
}
