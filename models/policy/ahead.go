package policy

// Ahead is Nets for a run of frames whose logits of one specialist were computed before, in one batch. Decisions are
// those of a frame at a time: when the stream turns to another specialist in the midst of the run, Rest is asked.
type Ahead struct {
	Of      int       // specialist that Logits are of; see [State.Active]
	Logits  []float32 // of every frame of the run, one after the other
	Outputs int       // logits of one frame
	Frame   int       // place of the frame at hand in the run; the caller moves it on
	Rest    Nets      // answers about the same frame for everything else
}

// Specialist returns the row of the frame at hand.
func (a *Ahead) Specialist(i int) ([]float32, error) {
	end := (a.Frame + 1) * a.Outputs
	if i != a.Of || a.Frame < 0 || end > len(a.Logits) {
		return a.Rest.Specialist(i)
	}
	return a.Logits[end-a.Outputs : end], nil
}

// Selector asks the rest.
func (a *Ahead) Selector() ([]float32, error) { return a.Rest.Selector() }

// Picture is that of the rest, where they show any.
func (a *Ahead) Picture() (*Thumbnail, bool) { return sight(a.Rest) }

// Full asks the rest.
func (a *Ahead) Full() ([]float32, error) { return a.Rest.Full() }
