package evaluation

import "math"

// tally counts what a policy did on streams.
type tally struct {
	frames, hits, right, fullRight, agree, loads int
	first, firstRight, firstFull                 int // of the first frames after a switch
	rare, rareRight, rareFull                    int // of single-frame intruders
	plays, locked                                int // playings of tracks that are long enough to lock in
	us, decode                                   float64
}

// firstFrames after a switch are looked at apart: totals hide what is lost there.
const firstFrames = 30

func (t *tally) add(o tally) {
	t.frames, t.hits, t.right, t.fullRight = t.frames+o.frames, t.hits+o.hits, t.right+o.right, t.fullRight+o.fullRight
	t.agree, t.loads, t.us, t.decode = t.agree+o.agree, t.loads+o.loads, t.us+o.us, t.decode+o.decode
	t.first, t.firstRight, t.firstFull = t.first+o.first, t.firstRight+o.firstRight, t.firstFull+o.firstFull
	t.rare, t.rareRight, t.rareFull = t.rare+o.rare, t.rareRight+o.rareRight, t.rareFull+o.rareFull
	t.plays, t.locked = t.plays+o.plays, t.locked+o.locked
}

func share(part, whole int) float64 { return float64(part) / float64(max(1, whole)) }

// Figures are what a policy achieved; shares and losses are 0 … 1.
type Figures struct {
	Speedup    float64 `json:"speedup"`         // over the full model on every frame; over several kinds of stream, the geometric mean
	Us         float64 `json:"us_per_frame"`    // mean µs in nets
	Decoded    float64 `json:"speedup_decoded"` // Speedup with the decoding of frames in both
	HitRate    float64 `json:"hit_rate"`
	Accuracy   float64 `json:"accuracy"`         // against truth
	Loss       float64 `json:"accuracy_loss"`    // accuracy of the full model less Accuracy
	Agreement  float64 `json:"agreement"`        // answers that are the full model's
	FirstLoss  float64 `json:"first_loss"`       // Loss on the first 30 frames after a switch
	RareRecall float64 `json:"rare_recall"`      // of single-frame intruders; 0 where there are none
	RareLoss   float64 `json:"rare_recall_loss"` // the full model's recall of them less RareRecall
	Loads      float64 `json:"loads_per_1000"`   // specialists loaded per 1,000 frames
	Locked     float64 `json:"locked"`           // tracks answered by one wrong class nearly throughout that the full model has mostly right
}

func (t tally) figures(full *column) Figures {
	n := float64(max(1, t.frames))
	us := t.us / n
	return Figures{
		Speedup: full.us / us, Us: us, Decoded: (full.us + full.decode) / (us + t.decode/n), HitRate: share(t.hits, t.frames),
		Accuracy: share(t.right, t.frames), Loss: share(t.fullRight-t.right, t.frames), Agreement: share(t.agree, t.frames),
		FirstLoss: share(t.firstFull-t.firstRight, t.first), RareRecall: share(t.rareRight, t.rare), RareLoss: share(t.rareFull-t.rareRight, t.rare),
		Loads: 1000 * share(t.loads, t.frames), Locked: share(t.locked, t.plays),
	}
}

// values lists the figures for arithmetic, in the order of the struct.
func (f *Figures) values() []*float64 {
	return []*float64{&f.Speedup, &f.Us, &f.Decoded, &f.HitRate, &f.Accuracy, &f.Loss, &f.Agreement, &f.FirstLoss, &f.RareRecall, &f.RareLoss, &f.Loads, &f.Locked}
}

// moments returns mean and standard deviation (of a sample) of each figure.
func moments(all []Figures) (mean, sd Figures) {
	n := float64(len(all))
	m, s := mean.values(), sd.values()
	for i := range all {
		for v, x := range all[i].values() {
			*m[v] += *x / n
		}
	}
	for i := range all {
		for v, x := range all[i].values() {
			*s[v] += (*x - *m[v]) * (*x - *m[v]) / max(1, n-1)
		}
	}
	for _, v := range s {
		*v = math.Sqrt(*v)
	}
	return mean, sd
}

// overall is the mean over kinds of stream, each with the same weight; the speed-up is the geometric mean.
func overall(kinds []Figures) Figures {
	mean, _ := moments(kinds)
	var logs, decoded float64
	for _, k := range kinds {
		logs, decoded = logs+math.Log(k.Speedup), decoded+math.Log(k.Decoded)
	}
	n := float64(max(1, len(kinds)))
	mean.Speedup, mean.Decoded = math.Exp(logs/n), math.Exp(decoded/n)
	return mean
}
