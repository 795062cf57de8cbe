package evaluation

// A playing of a track locks in when nearly all its frames get one and the same wrong class although the
// full model, asked every time, is right on most of them.
const (
	lockShare  = 0.9
	lockFrames = 10 // shorter tracks say nothing
	longFrames = 30 // of a longer track, a playing of so many counts; of others, only a whole one
)

// lockCounter finds such playings in a stream whose frames come one after the other.
type lockCounter struct {
	table  *Table
	stream *stream

	open          bool
	play, class   int // the current playing, its true class
	need          int // frames from which it counts
	frames, full  int
	answers       map[int]int
	track         int // index of the track that is played
	plays, locked int
	byTrack       clusters // of plays and locked
}

// see takes in the answer of frame i of the stream.
func (l *lockCounter) see(i, class int) {
	if l.stream.rare[i] {
		return
	}
	row := l.stream.rows[i]
	if !l.open || l.stream.play[i] != l.play {
		l.close()
		l.open, l.play, l.class = true, l.stream.play[i], l.table.tracks[l.table.trackOf[row]].class
		l.need = max(lockFrames, min(longFrames, l.stream.whole[i]))
		l.frames, l.full, l.track = 0, 0, l.table.trackOf[row]
		if l.answers == nil {
			l.answers = map[int]int{}
		}
		clear(l.answers)
	}
	l.frames++
	l.answers[class]++
	l.full += count(l.table.best[row] == l.class)
}

func (l *lockCounter) close() {
	if !l.open || l.frames < l.need {
		return
	}
	l.plays++
	locked := 0
	for class, n := range l.answers {
		if class != l.class && float64(n) >= lockShare*float64(l.frames) && 2*l.full > l.frames {
			locked = 1
		}
	}
	l.locked += locked
	if l.byTrack.n != nil {
		l.byTrack.add(l.track, float64(locked))
	}
}

func (l *lockCounter) finish() (plays, locked int) {
	l.close()
	return l.plays, l.locked
}
