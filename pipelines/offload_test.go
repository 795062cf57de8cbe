package pipelines

import (
	"testing"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	netlink "github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/schemas"
)

// chosen counts the rows of misses by what was chosen for them.
func (e *edge) chosen(t *testing.T, dir string) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, r := range e.rows(t, dir) {
		if r.Outcome == schemas.Miss {
			n[r.Offload]++
		} else if r.Offload != "" {
			t.Errorf("nothing was to be chosen for %+v", r)
		}
	}
	return n
}

// Neither needs a server, and none is there.
func TestADeviceDoesWithoutAServer(t *testing.T) {
	for mode, want := range map[offload.Mode]string{offload.ModeHere: schemas.OffloadHere, offload.ModeAlone: schemas.OffloadAlone} {
		e := newEdge(t)
		e.fill(t, 5, 60)
		o := e.options(t)
		o.Server.Offload = mode
		counts := uplinked(&o)
		if err := Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := e.chosen(t, o.Out); len(got) != 1 || got[want] == 0 || counts().Asked != 0 {
			t.Errorf("%s: %v, %+v", mode, got, counts())
		}
		for _, r := range e.rows(t, o.Out) {
			if r.Label == "" || r.ModelSHA256 == "" || r.Degraded != (r.Offload == schemas.OffloadAlone) || r.Offload == schemas.OffloadHere && (r.Model != "full" || r.Label != r.Truth) {
				t.Errorf("%s: %+v", mode, r)
			}
		}
	}
}

// Over a quick link a device with a slow full model asks the server; over a slow one it asks its own, also while the server is
// away.
func TestADeviceChoosesByItsLink(t *testing.T) {
	for name, c := range map[string]struct {
		link string
		full time.Duration
		asks bool
	}{
		"quick link": {"100mbit,2ms", 10 * time.Second, true},
		"slow link":  {"1mbit,600ms", time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t)
			shape, err := netlink.Parse(c.link)
			if err != nil {
				t.Fatal(err)
			}
			o := e.options(t)
			o.UntilEnd, o.FileAge = false, 50*time.Millisecond
			o.Server.Offload, o.Server.full, o.Server.Link = offload.ModeAuto, c.full, netlink.New(shape, 1)
			e.serve(t)
			link, stop := e.background(t, o)
			await(t, func() bool { n, ok := kafkaio.Uplink(link); return ok && n.BytesUp > 0 }) // a probe has come back
			e.fill(t, 5, 60)
			all := func() bool { read, written := link.Counts(); return read == int64(e.sent) && written == read }
			await(t, all)
			if !c.asks { // the server is not missed
				if err := e.broker.Stop(); err != nil {
					t.Fatal(err)
				}
				e.fill(t, 5, 60)
				await(t, all)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			e.check(t, o.Out)
			got := e.chosen(t, o.Out)
			if asked := got[schemas.OffloadAsk] + got[schemas.OffloadInput]; (asked > 0) != c.asks || !c.asks && got[schemas.OffloadHere] == 0 {
				t.Errorf("%v", got)
			}
		})
	}
}
