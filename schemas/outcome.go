package schemas

import "time"

// Values of Outcome.Outcome. A hit rate is the share of frames that were answered without the full model: Hit and Same over
// Hit, Same and Miss; errors are in neither.
const (
	Hit   = "hit"   // the stream's active specialist answered
	Miss  = "miss"  // the full model answered
	Same  = "same"  // the frame is nearly equal to the last answered one of its stream and takes that answer
	Error = "error" // no net answered; Outcome.Error says why
)

// Values of Outcome.CacheEvent: what the frame did to its stream's set of cached specialists.
const (
	CacheNone  = "none"  // the active specialist stayed
	CacheSwap  = "swap"  // another specialist of the set became active
	CacheLoad  = "load"  // a specialist entered the set
	CacheEvict = "evict" // a specialist entered the set and the least recently used left
	CacheStall = "stall" // the set stayed, and the active specialist, or the selector, was not on this machine yet: the frame is a miss
)

// More values of Outcome.CacheEvent: what audits made the stream do. Where a frame did both, these are written.
const (
	TrustStricter = "stricter" // too many audited hits were wrong: the stream's threshold went one step up
	TrustDrift    = "drift"    // the stream left what its net knows: it goes to the full model for a while
	TrustBypass   = "bypass"   // the stream goes to the full model: hits are wrong too often, or cost more than they save
	TrustReturn   = "return"   // the threshold went one step back, or the small net answers again
	TrustChanged  = "changed"  // the small net was sure, but the picture had changed: the full model answered, and agreed
)

// Values of Outcome.Stage: where an error was found.
const (
	StageRead   = "read"   // the record is no frame, or was quarantined
	StageDecode = "decode" // the image cannot be decoded
	StageLookup = "lookup" // a net called in the stateful transform failed
	StageFull   = "full"   // the full model failed in its own transform
)

// Values of Outcome.Offload.
const (
	OffloadAsk   = "ask"   // the server was asked, with the frame as it is
	OffloadInput = "input" // the server was asked, with what the full model's input shows of the frame
	OffloadHere  = "here"  // the full model on the device was asked
	OffloadHedge = "hedge" // the server was asked first, and the full model on the device when that took long
	OffloadAlone = "alone" // nobody was asked: the answer of the device's small nets stands
)

//msgp:tuple Outcome
//msgp:tuple Outcomes
//msgp:tuple Ranked

// Outcome is what became of one frame: one row in Parquet.
type Outcome struct {
	Stream          string    `parquet:"stream,dict" json:"stream"`
	Topic           string    `parquet:"topic,dict" json:"topic"`
	Partition       int32     `parquet:"partition" json:"partition"`
	Offset          int64     `parquet:"offset,delta" json:"offset"`
	Sequence        int64     `parquet:"sequence,delta" json:"sequence"`
	EventTime       time.Time `parquet:"event_time,timestamp(microsecond)" json:"event_time"` // record time, UTC
	Outcome         string    `parquet:"outcome,dict" json:"outcome"`                         // hit, miss, same or error
	Label           string    `parquet:"label,optional,dict" json:"label,omitempty"`          // the answer's class; absent on error
	Confidence      float32   `parquet:"confidence" json:"confidence"`                        // calibrated probability of Label, 0..1
	Entropy         float32   `parquet:"entropy" json:"entropy"`                              // of the answering distribution, nats
	Threshold       float32   `parquet:"threshold" json:"threshold"`                          // the hit test's threshold at that moment
	Model           string    `parquet:"model,optional,dict" json:"model,omitempty"`          // net that answered, e.g. specialist-03, full
	Pack            string    `parquet:"pack,dict" json:"pack"`                               // name@version
	Policy          string    `parquet:"policy,optional,dict" json:"policy,omitempty"`        // what decided, where it is not the pack's own policy: paper, full, small, file:<12 hex digits of the policy file's sha256> or set
	ModelSHA256     string    `parquet:"model_sha256,optional,dict" json:"model_sha256,omitempty"`
	CacheEvent      string    `parquet:"cache_event,dict" json:"cache_event"`                         // Cache… or Trust…
	HitRateWindow   float32   `parquet:"hit_rate_window" json:"hit_rate_window"`                      // the stream's recent hit rate, 0..1
	SpecialistUs    float32   `parquet:"specialist_us" json:"specialist_us"`                          // inference time, µs; 0 when the net did not run
	SelectorUs      float32   `parquet:"selector_us" json:"selector_us"`                              // as above
	FullUs          float32   `parquet:"full_us" json:"full_us"`                                      // as above; a batch's time divided by its frames
	LatencyUs       int64     `parquet:"latency_us" json:"latency_us"`                                // record time to row emitted, µs
	FrameBytes      int32     `parquet:"frame_bytes" json:"frame_bytes"`                              // size of the record's value
	SmallLabel      string    `parquet:"small_label,optional,dict" json:"small_label,omitempty"`      // of a miss: the class that the small net held likeliest under the window; absent where that was "other" or no small net was asked
	SmallConfidence float32   `parquet:"small_confidence,optional" json:"small_confidence,omitempty"` // of a miss: its probability, 0..1, which did not pass Threshold, or not of a class that is new to the stream; absent where no small net was asked
	SmallEntropy    float32   `parquet:"small_entropy,optional" json:"small_entropy,omitempty"`       // of a miss: of the small net's distribution, nats; absent likewise, or 0
	Provisional     bool      `parquet:"provisional" json:"provisional"`                              // a miss of which the small net's or the selector's answer was sent to the outcomes topic before the full model was asked
	Degraded        bool      `parquet:"degraded" json:"degraded"`                                    // a miss that the full model did not answer: Label is that provisional answer
	Pending         bool      `parquet:"-" json:"pending,omitempty"`                                  // only on the outcomes topic: a provisional answer; the settled outcome is to come
	Truth           string    `parquet:"truth,optional,dict" json:"truth,omitempty"`                  // true class where the producer knew it
	Error           string    `parquet:"error,optional,dict" json:"error,omitempty"`                  // why there is no answer
	Stage           string    `parquet:"stage,optional,dict" json:"stage,omitempty"`                  // where that was found: read, decode, lookup or full
	Origin          string    `parquet:"origin,optional" json:"origin,omitempty"`                     // on a server: which frame of which device this is, see Origin; absent elsewhere
	Audited         bool      `parquet:"audited" json:"audited"`                                      // a hit or a repeated answer that the full model was asked about too; Label is still the one without it
	AuditLabel      string    `parquet:"audit_label,optional,dict" json:"audit_label,omitempty"`      // the full model's class on an audited row; absent when it gave none
	Offload         string    `parquet:"offload,optional,dict" json:"offload,omitempty"`              // on a device: what was chosen for a frame that its small net did not settle, Offload…; absent elsewhere
	AuditRate       float32   `parquet:"audit_rate" json:"audit_rate"`                                // probability with which this row was to be audited, 0..1; 0 on misses and errors
	Top             []Ranked  `parquet:"-" json:"top,omitempty" msg:"top,limit=64"`                   // only in a server's answer: the likeliest classes, likeliest first, where they are several; an older server sends none
}

// Ranked is a class with its probability.
type Ranked struct {
	Label       string  `json:"label"`
	Probability float32 `json:"p"` // 0..1
}

// A server's answer has the likeliest classes that hold RankedShare of the distribution together, at most MostRanked.
const (
	MostRanked  = 5
	RankedShare = 0.99
)

// Outcomes is a batch of outcomes, the element that reaches the sinks.
type Outcomes struct {
	Rows []Outcome `msg:"rows,limit=65536"` // see Run
}
