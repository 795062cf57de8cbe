package schemas

import "time"

// Record headers of the frames topic. The ce_ names are those of CloudEvents' binary mode for Kafka
// (CloudEvents Kafka Protocol Binding 1.0.2, §3.2).
const (
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderTime        = "ce_time"
	HeaderSpec        = "ce_specversion"
	HeaderContentType = "content-type"
	HeaderLabel       = "label"    // true class, where the producer knows it
	HeaderSequence    = "sequence" // frame number within the stream, decimal
	HeaderWidth       = "width"    // of an image/x-rgb8 frame, decimal pixels
	HeaderHeight      = "height"   // of an image/x-rgb8 frame, decimal pixels
)

// Content types of a frame's value.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	RGB8 = "application/x-rgb8" // width*height*3 bytes, rows top to bottom; size in the width and height headers
)

//msgp:tuple Frame
//msgp:tuple Run

// Frame is one record of the frames topic.
type Frame struct {
	Stream      string    // record key; empty when the record had none (then Fault says so)
	Topic       string    // where it was read
	Partition   int32     // where it was read
	Offset      int64     // where it was read; (Topic, Partition, Offset) identifies a frame for ever
	Sequence    int64     // frame number within the stream: the sequence header, else Offset
	EventTime   time.Time // record time, UTC, millisecond precision as Kafka keeps it
	ContentType string    // content-type header, lower case, without parameters; empty when absent
	Width       int32     // pixels, only for RGB8
	Height      int32     // pixels, only for RGB8
	Truth       string    // true class, empty when unknown
	Image       []byte    // encoded image, as produced
	Fault       string    // why the source could not read the record as a frame; empty when it could
}

// Run is a few consecutive frames of one stream, in offset order: the element that moves through the
// graph, because per-element cost outweighs per-frame cost at camera-frame sizes.
type Run struct {
	Frames []Frame `msg:"frames,limit=65536"` // a damaged length must not take all memory
}
