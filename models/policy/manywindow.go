package policy

// window is a locality window as a level that most classes have and the excess of the others over it.
type window struct {
	level  float32
	excess []float32 // K; 0 for classes at the level
	apart  []int32   // classes whose excess is not 0
}

func (w *window) start(k int) {
	if len(w.excess) != k {
		w.excess = make([]float32, k)
	}
	for _, c := range w.apart {
		w.excess[c] = 0
	}
	w.level, w.apart = 1/float32(k), w.apart[:0]
}

// capped reports whether only mostApart classes are told apart.
func (w *window) capped() bool { return len(w.excess) >= ManyClasses }

// expects is the probability that the window gives to what q shows.
func (w *window) expects(q *Known) float32 {
	sum := w.level
	for _, c := range w.apart {
		sum += q.P[c] * w.excess[c]
	}
	return sum
}

// move is what [move] does, over the classes that are apart before or after.
func (w *window) move(q *Known, weight float32) {
	before := weight * w.level
	least := before + (1-weight)*q.Least
	for _, c := range w.apart {
		w.excess[c] = weight*(w.level+w.excess[c]) + (1-weight)*q.P[c] // the share itself, until settle
		least = min(least, w.excess[c])
	}
	enough, full := least+sparse, float32(0)
	if w.capped() && len(w.apart) >= mostApart { // what has less than any of them stays at the level
		full = 1
		for _, c := range w.apart {
			full = min(full, w.excess[c])
		}
	}
	for _, c := range q.Top {
		v := before + (1-weight)*q.P[c]
		if v < enough || v < full && w.excess[c] == 0 {
			w.settle(enough)
			return
		}
		w.add(c, v)
	}
	if !w.capped() || len(q.Top) < mostApart {
		for c, v := range q.P { // more classes are lifted than are ranked
			if v = before + (1-weight)*v; v >= enough {
				w.add(int32(c), v)
			}
		}
	}
	w.settle(enough)
}

// moveTo is move for a q that is certain of a class.
func (w *window) moveTo(class int32, weight float32) {
	before := weight * w.level
	w.add(class, 0)
	for _, c := range w.apart {
		w.excess[c] = weight * (w.level + w.excess[c])
	}
	w.excess[class] += 1 - weight
	w.settle(before + sparse)
}

// add makes a class one that is apart, unless it is.
func (w *window) add(c int32, share float32) {
	if w.excess[c] == 0 {
		w.apart = append(w.apart, c)
		w.excess[c] = share
	}
}

// settle levels the classes with less than enough, and those beyond the mostApart likeliest, and turns the shares of the others into
// their excess.
func (w *window) settle(enough float32) {
	if w.capped() && len(w.apart) > mostApart {
		var likeliest leaders
		for _, c := range w.apart {
			likeliest.add(w.excess[c])
		}
		enough = max(enough, likeliest.last())
	}
	kept, mass := w.apart[:0], float32(0)
	for _, c := range w.apart {
		if v := w.excess[c]; v >= enough {
			kept, mass = append(kept, c), mass+v
		} else {
			w.excess[c] = 0
		}
	}
	w.apart = kept
	w.level = max(0, 1-mass) / float32(max(1, len(w.excess)-len(kept)))
	for _, c := range kept {
		w.excess[c] = max(w.excess[c]-w.level, leastExcess)
	}
}

// leastExcess keeps the excess of a class that is apart from 0, which marks all others.
const leastExcess = 1e-12
