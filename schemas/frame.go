package schemas

import "time"

// Record headers of the frames topic. Their names are compared without regard to case. The ce_ names are those of
// CloudEvents' binary mode for Kafka (CloudEvents Kafka Protocol Binding 1.0.2, §3.2).
const (
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderTime        = "ce_time"
	HeaderSpec        = "ce_specversion"
	HeaderContentType = "content-type" // needed for RGB8 only: JPEG and PNG are known by their first bytes
	HeaderLabel       = "label"        // true class, where the producer knows it
	HeaderSequence    = "sequence"     // frame number within the stream, decimal
	HeaderWidth       = "width"        // of an RGB8 frame, decimal pixels
	HeaderHeight      = "height"       // of an RGB8 frame, decimal pixels
	HeaderOrigin      = "frame-origin" // of a frame that a device sent to a server: the text of its Origin
	HeaderForm        = "frame-form"   // of such a frame: its Form, absent where the value is the frame as the device read it
)

// Content types of a frame's value.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	RGB8 = "application/x-rgb8" // width*height*3 bytes, rows top to bottom; size in the width and height headers
)

// FormInput is the form of a frame whose image is what a net's input shows of it, cropped and resized already: decoding it for
// an input of the same size changes nothing.
const FormInput = "input"

// ImageType returns JPEG or PNG by the first bytes of an encoded image, and "" for everything else.
func ImageType(image []byte) string {
	switch {
	case len(image) > 2 && image[0] == 0xff && image[1] == 0xd8: // start of image
		return JPEG
	case len(image) > 4 && string(image[:4]) == "\x89PNG":
		return PNG
	}
	return ""
}

//msgp:tuple Frame
//msgp:tuple Run

// Frame is one record of the frames topic.
type Frame struct {
	Stream      string    // StreamOf the record key; empty when the record had none (then Fault says so)
	Topic       string    // where it was read
	Partition   int32     // where it was read
	Offset      int64     // where it was read; (Topic, Partition, Offset) identifies a frame
	Sequence    int64     // frame number within the stream: the sequence header, else Offset
	EventTime   time.Time // record time, UTC, millisecond precision as Kafka keeps it
	ContentType string    // JPEG, PNG or RGB8; with a Fault what the content-type header says, if anything
	Width       int32     // pixels, only for RGB8
	Height      int32     // pixels, only for RGB8
	Truth       string    // true class, empty when unknown
	Image       []byte    // encoded image, as produced
	Omitted     int64     // bytes of an image that exceeds the source's limit and is not in Image; else 0
	Fault       string    // why the source could not read the record as a frame; empty when it could
	Origin      string    // text of the Origin of a frame that a device sent; else empty
	Form        string    // what Image is: empty, the frame as it was produced; FormInput
}

// Size is the length of the record's value, in bytes.
func (z *Frame) Size() int64 { return int64(len(z.Image)) + z.Omitted }

// Run is some consecutive frames of one stream, in offset order, or answers to earlier ones: the element that moves
// through the graph, because what a runner spends on an element outweighs what it spends on a frame.
type Run struct {
	Frames  []Frame  `msg:"frames,limit=65536"`  // a damaged length must not take all memory
	Answers []Answer `msg:"answers,limit=65536"` // of a server, to frames that were sent to it
	Held    uint64   // not 0: what the run is made of is not here but in the session of the job, under this number
}
