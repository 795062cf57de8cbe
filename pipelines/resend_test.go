package pipelines

import (
	"context"
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/kafkatest"
)

// Misses that the server's broker had acknowledged and then lost are sent again after the outage, and only those: retention
// deleted them before a server came, or somebody deleted the topic.
func TestMissesThatTheServerLostAreSentAgain(t *testing.T) {
	for name, lose := range map[string]func(ctx context.Context, e *edge) error{
		"retention": func(ctx context.Context, e *edge) error {
			ends, err := kafkaio.EndOffsets(ctx, e.server, DefaultMisses)
			for p, end := range ends {
				if err == nil && end > 0 {
					err = kafkatest.DeleteRecords(ctx, e.broker.Addr(), DefaultMisses, p, end)
				}
			}
			return err
		},
		"topic deleted": func(ctx context.Context, e *edge) error {
			return kafkatest.DeleteTopic(ctx, e.broker.Addr(), DefaultMisses)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			e.fill(t, 5, 40)
			o := e.options(t)
			o.UntilEnd, o.FileAge = false, 50*time.Millisecond
			job, stop := e.background(t, o)
			counts := func() kafkaio.UplinkCounts { c, _ := kafkaio.Uplink(job); return c }
			await(t, func() bool {
				c := counts()
				read, written := job.Counts()
				return read == int64(e.sent) && written+c.Pending == read && c.Sent == c.Asked // all are decided
			})
			before := counts()
			if err := lose(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if err := e.broker.Stop(); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool { return counts().Outages > before.Outages })
			if err := e.broker.Start(); err != nil {
				t.Fatal(err)
			}
			await(t, func() bool { return counts().Sent == before.Sent+before.Pending })
			e.serve(t)
			await(t, func() bool { read, written := job.Counts(); return read == written })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			e.check(t, o.Out)
			c := counts()
			if c.Resent != before.Pending || c.Answered != c.Asked || c.Down <= 0 || c.WaitP99 < c.WaitP50 || c.WaitP50 <= 0 {
				t.Errorf("%+v, before the loss %+v", c, before)
			}
		})
	}
}
