package pipelines

import (
	"sync/atomic"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// receipts tells the responses that prism, in this process, has received. Prism makes its server itself and takes no options
// for it; how gRPC decodes messages is the one thing that can be set for all servers of a process, in an init function.
var receipts = &receiptCodec{CodecV2: encoding.GetCodecV2(proto.Name)}

func init() { encoding.RegisterCodecV2(receipts) }

// receiptCodec is gRPC's codec of protocol buffers.
type receiptCodec struct {
	encoding.CodecV2
	of atomic.Pointer[responses] // nil: nobody wants to know
}

// Unmarshal decodes a message, and tells when it was a response.
func (c *receiptCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if err := c.CodecV2.Unmarshal(data, v); err != nil {
		return err
	}
	if r, ok := v.(*fnpb.InstructionResponse); ok {
		if o := c.of.Load(); o != nil {
			o.received(r.GetInstructionId())
		}
	}
	return nil
}
