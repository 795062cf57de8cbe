package kafkaio

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/schemas"
)

func missedAt(offset int64) schemas.Missed {
	f := schemas.Frame{Stream: "cam", Topic: "frames", Offset: offset, Image: []byte{byte(offset), byte(offset >> 8)}}
	return schemas.Missed{Frame: f, Outcome: schemas.Outcome{Stream: "cam", Topic: "frames", Offset: offset, Outcome: schemas.Miss}}
}

func originAt(offset int64) string {
	m := missedAt(offset)
	return schemas.OriginOf("device", &m.Frame).String()
}

var red = schemas.Outcome{Outcome: schemas.Miss, Label: "red"}

func taken(t *testing.T, a *inFlight, now time.Time, want int) []schemas.Answer {
	t.Helper()
	n := a.ready(now)
	if n != want {
		t.Fatalf("%d answers are ready, want %d", n, want)
	}
	return a.take(n)
}

func TestAnAnswerIsGivenOnce(t *testing.T) {
	a, now := newInFlight("device", 0), time.Now()
	a.add(now, []schemas.Missed{missedAt(1), missedAt(2)})
	a.answer(originAt(2), red)
	a.answer(originAt(2), red)                                  // the server was restarted
	a.answer(originAt(3), red)                                  // from before this job
	a.answer(strings.Replace(originAt(1), "1/", "1/0", 1), red) // another frame at that offset
	got := taken(t, a, now.Add(time.Hour), 1)
	if got[0].Row.Offset != 2 || got[0].Full.Label != "red" || got[0].Late {
		t.Errorf("%+v", got)
	}
	if c := a.count(); c.Asked != 2 || c.Answered != 1 || c.Unexpected != 3 || c.Pending != 1 {
		t.Errorf("%+v", c)
	}
}

func TestAFrameWaitsNoLongerThanItsLimitAndALateAnswerStillTeaches(t *testing.T) {
	a, now := newInFlight("device", time.Second), time.Now()
	a.add(now, []schemas.Missed{missedAt(1), missedAt(2)})
	a.add(now.Add(500*time.Millisecond), []schemas.Missed{missedAt(3)})
	a.answer(originAt(2), red)
	taken(t, a, now.Add(999*time.Millisecond), 1)
	got := taken(t, a, now.Add(time.Second), 1)
	if got[0].Row.Offset != 1 || got[0].Full.Outcome != schemas.Error || got[0].Full.Error == "" || got[0].Late {
		t.Errorf("%+v", got)
	}
	a.answer(originAt(1), red)
	a.answer(originAt(1), red)
	if got = taken(t, a, now.Add(time.Second), 1); !got[0].Late || got[0].Full.Label != "red" || got[0].Row.Offset != 1 {
		t.Errorf("%+v", got)
	}
	if c := a.count(); c.Expired != 1 || c.Late != 1 || c.Unexpected != 1 || c.Pending != 1 {
		t.Errorf("%+v", c)
	}
}

func TestASettledFrameIsNotSent(t *testing.T) {
	a, now := newInFlight("device", time.Second), time.Now()
	a.add(now, []schemas.Missed{missedAt(1), missedAt(2)})
	a.answer(originAt(1), red)
	batch := a.next(t.Context(), 1<<20)
	if len(batch) != 1 || batch[0].missed.Frame.Offset != 2 {
		t.Fatalf("%d frames are sent", len(batch))
	}
	_, records := a.live(batch)
	a.expire(now.Add(time.Minute))
	if len(records) != 1 || len(records[0].Value) == 0 {
		t.Errorf("%d records, or without the frame's bytes after it was answered", len(records))
	}
	if left, _ := a.live(batch); len(left) != 0 {
		t.Errorf("%d frames are still sent after their time", len(left))
	}
}

func TestABatchIsBoundedButTakesOneFrame(t *testing.T) {
	a := newInFlight("device", 0)
	a.add(time.Now(), []schemas.Missed{missedAt(1), missedAt(2), missedAt(3)})
	for _, want := range []int{1, 2} {
		if n := len(a.unsent(int64(want) * (2 + recordOverhead))); n != want {
			t.Errorf("%d frames, want %d", n, want)
		}
	}
}

func TestWhatWaitsIsSentAgainOnce(t *testing.T) {
	a := newInFlight("device", 0)
	a.add(time.Now(), []schemas.Missed{missedAt(1), missedAt(2), missedAt(3)})
	a.next(t.Context(), 1<<20)
	a.answer(originAt(2), red)
	if n, again := a.again(), a.again(); n != 2 || again != 0 {
		t.Errorf("%d frames are sent again, then %d more", n, again)
	}
	if n := len(a.next(t.Context(), 1<<20)); n != 2 {
		t.Errorf("%d frames", n)
	}
}

func TestARefusedFrameIsSettled(t *testing.T) {
	a := newInFlight("device", 0)
	a.add(time.Now(), []schemas.Missed{missedAt(1)})
	k := a.next(t.Context(), 1<<20)[0]
	a.refuse(k, "too large")
	a.refuse(k, "too large")
	if got := taken(t, a, time.Now(), 1); got[0].Full.Error != "too large" || a.count().Refused != 1 {
		t.Errorf("%+v", got)
	}
}

// Whatever happens in whatever order, each frame is settled once.
func TestEachFrameIsSettledOnce(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, now, asked := newInFlight("device", time.Second), time.Unix(0, 0), int64(0)
		settled := map[int64]int{}
		take := func() {
			for _, s := range a.take(a.ready(now)) {
				if !s.Late {
					settled[s.Row.Offset]++
				}
			}
		}
		for range 300 {
			switch r.IntN(6) {
			case 0:
				a.add(now, []schemas.Missed{missedAt(asked), missedAt(asked + 1)})
				asked += 2
			case 1:
				a.answer(originAt(r.Int64N(asked+1)), red)
			case 2:
				for _, k := range a.unsent(4 * recordOverhead) {
					if r.IntN(4) == 0 {
						a.refuse(k, "no")
					}
				}
			case 3:
				a.again()
			case 4:
				now = now.Add(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
			case 5:
				take()
			}
		}
		now = now.Add(time.Hour)
		take()
		c := a.count()
		if int64(len(settled)) != asked || c.Pending != 0 || c.Answered+c.Expired+c.Refused != asked {
			t.Fatalf("seed %d: %d of %d settled: %+v", seed, len(settled), asked, c)
		}
		for offset, n := range settled {
			if n != 1 {
				t.Fatalf("seed %d: frame %d settled %d times", seed, offset, n)
			}
		}
	}
}

// Frames whose records the misses topic does not hold any more are sent again, each once; those that it holds are not.
func TestOnlyLostFramesAreSentAgain(t *testing.T) {
	a := newInFlight("device", 0)
	var missed []schemas.Missed
	for i := range int64(8) {
		missed = append(missed, missedAt(i))
	}
	a.add(time.Now(), missed)
	sent := a.next(t.Context(), 1<<20)
	a.kept(sent[:3], 0, 10)  // at 10, 11, 12
	a.kept(sent[3:5], 1, 20) // at 20, 21
	a.kept(sent[5:7], 2, 0)  // in a partition that is gone
	a.answer(originAt(6), red)
	held := []Partition{{ID: 0, First: 11, End: 12}, {ID: 1, First: 0, End: 22}}
	if n := a.lost(held); n != 3 {
		t.Errorf("%d frames are lost", n)
	}
	if n := a.lost(held); n != 0 {
		t.Errorf("%d frames are lost once more, before they are sent", n)
	}
	got := map[int64]bool{}
	for _, k := range a.next(t.Context(), 1<<20) {
		got[k.missed.Frame.Offset] = true
	}
	if len(got) != 3 || !got[0] || !got[2] || !got[5] {
		t.Errorf("sent again: %v", got)
	}
	if c := a.count(); c.Resent != 3 || c.Sent != 7 {
		t.Errorf("%+v", c)
	}
}

// In a long outage frames expire and are settled, and what is left of them does not pile up.
func TestTheQueueOfAnOutageIsBounded(t *testing.T) {
	a, now := newInFlight("device", time.Second), time.Now()
	for i := range int64(10_000) {
		a.add(now, []schemas.Missed{missedAt(i)})
		now = now.Add(10 * time.Millisecond)
		a.take(a.ready(now))
	}
	if n := len(a.queue); n > 400 {
		t.Errorf("%d frames are queued; %d wait", n, a.count().Pending)
	}
	if batch := a.unsent(1 << 30); int64(len(batch)) != a.count().Pending {
		t.Errorf("%d frames are sent, %d wait", len(batch), a.count().Pending)
	}
}

func TestAFrameThatIsAddedAgainIsSettledOnce(t *testing.T) {
	a, now := newInFlight("device", time.Second), time.Now()
	for range 2 {
		a.add(now, []schemas.Missed{missedAt(1)})
	}
	a.answer(originAt(1), red)
	taken(t, a, now.Add(time.Hour), 1)
	if c := a.count(); c.Asked != 1 || c.Pending != 0 {
		t.Errorf("%+v", c)
	}
}

func TestQuantilesOfWaits(t *testing.T) {
	var w Waits
	if w.Quantile(0.5) != 0 {
		t.Error("nothing was counted")
	}
	for i := range 1000 {
		w.add(time.Duration(i+1) * time.Millisecond)
	}
	w.add(time.Hour)
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond} {
		if got := w.Quantile(q); got < want || got > want*142/100 {
			t.Errorf("quantile %v is %v, want about %v", q, got, want)
		}
	}
	if w.Count() != 1001 || w.Quantile(1) < 10*time.Minute {
		t.Errorf("%d, longest %v", w.Count(), w.Quantile(1))
	}
}

func TestWhatNoWaitingMendsIsRefused(t *testing.T) {
	u := &uplink{cfg: UplinkConfig{Misses: "misses"}}
	for err, want := range map[error]string{
		fmt.Errorf("send: %w", kafka.MessageSizeTooLarge): "max.message.bytes",
		kafka.InvalidTimestamp:                            "message.timestamp",
		kafka.InvalidRecord:                               "record",
		kafka.LeaderNotAvailable:                          "",
		context.DeadlineExceeded:                          "",
	} {
		if got := u.refusal(err); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// A frame with patience comes back with its image when that is over, whatever the other frames' limit is.
func TestPatienceEndsBeforeTheLimit(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second} {
		a, now := newInFlight("device", limit), time.Now()
		a.chosen = offload.NewDevice(offload.ModeAuto, time.Second, now)
		hasty, calm := missedAt(2), missedAt(3)
		hasty.Patience, calm.Patience = 20*time.Millisecond, time.Hour
		a.add(now, []schemas.Missed{missedAt(1), calm, hasty})
		taken(t, a, now.Add(19*time.Millisecond), 0)
		got := taken(t, a, now.Add(20*time.Millisecond), 1)
		if got[0].Row.Offset != 2 || got[0].Full.Outcome != schemas.Error || string(got[0].Frame.Image) != string(hasty.Frame.Image) {
			t.Errorf("%+v", got)
		}
		if a.answer(originAt(2), red); a.count().Hedged != 1 || a.count().Unexpected != 1 {
			t.Errorf("%+v", a.count())
		}
		a.answer(originAt(3), red)
		for _, one := range taken(t, a, now.Add(20*time.Millisecond), 1) {
			if one.Full.Label != "red" || one.Frame.Image != nil {
				t.Errorf("%+v", one)
			}
		}
	}
}
