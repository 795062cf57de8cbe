package kafkaio

import (
	"context"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/models/offload"
)

// probeOverhead is the bytes of a probe besides its padding: headers of TCP, IP and the request.
const probeOverhead = 60

// probe measures the link while the job runs and nothing else shows it: a device that asks nothing would not learn that the link has become quick. A
// probe asks for the coordinator of a consumer group that nobody is in, whose name is as long as the probe shall be: the
// broker needs neither a disk nor another broker for that, and answers in a few bytes, also where it refuses.
func (u *uplink) probe(ctx context.Context) {
	tick := time.NewTicker(offload.ProbeEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		u.probeOnce(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (u *uplink) probeOnce(ctx context.Context) {
	id, bytes, due := u.chosen.Probe(time.Now())
	if !due {
		return
	}
	name := "cachenet-probe-" + u.cfg.Device
	name += strings.Repeat("-", max(0, bytes-probeOverhead-len(name)))
	_, err := u.client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: name, KeyType: kafka.CoordinatorKeyTypeConsumer})
	if err != nil {
		u.chosen.Fail(id)
		return
	}
	u.chosen.Ack(time.Now(), id)
	u.moved(int64(bytes), 0)
}

// acknowledged tells the measurements that the server's broker has a batch.
func (u *uplink) acknowledged(batch []*pendingFrame) {
	ids := make([]int, len(batch))
	for i, k := range batch {
		ids[i] = k.meter
	}
	u.chosen.Ack(time.Now(), ids...)
}
