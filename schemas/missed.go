package schemas

//msgp:tuple Missed
//msgp:tuple MissedRun

// Missed is a frame on its way to the full model: what is known of its outcome, and the decoded frame so
// that it is not decoded twice.
type Missed struct {
	Outcome Outcome
	Pixels  []byte // height·width·3 bytes, RGB, at the pack's input size
}

// MissedRun is the misses of one run of frames.
type MissedRun struct {
	Frames []Missed `msg:"frames,limit=65536"` // see Run
}
