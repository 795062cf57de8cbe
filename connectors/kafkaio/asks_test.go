package kafkaio

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

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

func taken(t *testing.T, a *asks, now time.Time, want int) []schemas.Answer {
	t.Helper()
	n := a.ready(now)
	if n != want {
		t.Fatalf("%d answers are ready, want %d", n, want)
	}
	return a.take(n)
}

func TestAnAnswerIsGivenOnce(t *testing.T) {
	a, now := newAsks("device", 0), time.Now()
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
	a, now := newAsks("device", time.Second), time.Now()
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
	a, now := newAsks("device", time.Second), time.Now()
	a.add(now, []schemas.Missed{missedAt(1), missedAt(2)})
	a.answer(originAt(1), red)
	batch := a.next(t.Context(), 1<<20)
	if len(batch) != 1 || batch[0].missed.Frame.Offset != 2 {
		t.Fatalf("%d frames are sent", len(batch))
	}
	a.expire(now.Add(time.Minute))
	if left := a.live(batch); len(left) != 0 {
		t.Errorf("%d frames are still sent after their time", len(left))
	}
}

func TestABatchIsBoundedButTakesOneFrame(t *testing.T) {
	a := newAsks("device", 0)
	a.add(time.Now(), []schemas.Missed{missedAt(1), missedAt(2), missedAt(3)})
	for _, want := range []int{1, 2} {
		if n := len(a.unsent(int64(want) * (2 + recordOverhead))); n != want {
			t.Errorf("%d frames, want %d", n, want)
		}
	}
}

func TestWhatWaitsIsSentAgainOnce(t *testing.T) {
	a := newAsks("device", 0)
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
	a := newAsks("device", 0)
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
		a, now, asked := newAsks("device", time.Second), time.Unix(0, 0), int64(0)
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
