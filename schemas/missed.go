package schemas

import "time"

//msgp:tuple Missed
//msgp:tuple MissedRun

// Missed is a frame that the full model has to answer, and what is known of its outcome.
type Missed struct {
	Outcome Outcome
	Frame   Frame // to be decoded again: the full model's input may be larger than the small net's

	Patience time.Duration // how long a server may take, after which the full model here is asked; 0: as long as it takes
}

// MissedRun is the misses of one run of frames.
type MissedRun struct {
	Frames []Missed `msg:"frames,limit=65536"` // see Run
}

//msgp:tuple Answer

// Answer is what a server said of a frame that a device had sent to it.
type Answer struct {
	Row   Outcome // of the frame, as far as the device knew it
	Full  Outcome // the server's; an Error where no answer came
	Frame Frame   // where no answer came and the full model here is to be asked; else without an image
	Late  bool    // Row is written already, without this answer: only the stream can still learn from it
}
