package kafkaio

import (
	"strconv"
	"strings"

	"github.com/cachenet/cachenet/schemas"
	"github.com/segmentio/kafka-go"
)

// Headers that a dead letter has in addition to those of its frame.
const (
	deadPrefix    = "cachenet-"
	deadStage     = deadPrefix + "stage"         // schemas.Stage…
	deadReason    = deadPrefix + "reason"        // the outcome's error
	deadTopic     = deadPrefix + "topic"         // where the frame was read
	deadPartition = deadPrefix + "partition"     // where the frame was read
	deadOffset    = deadPrefix + "offset"        // where the frame was read
	deadOmitted   = deadPrefix + "value-omitted" // bytes of the frame's value, which was left out because of its size
)

// letter addresses the frame of an outcome.
func letter(r record, o *schemas.Outcome) kafka.Message {
	m := message(r)
	m.Headers = append(m.Headers, header(deadStage, o.Stage), header(deadReason, o.Error), header(deadTopic, o.Topic),
		header(deadPartition, strconv.Itoa(int(o.Partition))), header(deadOffset, strconv.FormatInt(o.Offset, 10)))
	return m
}

// withoutValue leaves the frame's value out of a letter.
func withoutValue(m kafka.Message) kafka.Message {
	m.Headers = append(m.Headers[:len(m.Headers):len(m.Headers)], header(deadOmitted, strconv.Itoa(len(m.Value))))
	m.Value = nil
	return m
}

// withoutFrame leaves the frame's key and headers out of a letter too.
func withoutFrame(m kafka.Message) kafka.Message {
	var own []kafka.Header
	for _, h := range m.Headers {
		if strings.HasPrefix(h.Key, deadPrefix) {
			own = append(own, h)
		}
	}
	m.Key, m.Headers = nil, own
	return m
}

// message is a record as it was.
func message(r record) kafka.Message {
	return kafka.Message{Key: r.key, Value: r.value, Time: r.time, Headers: r.headers}
}

// deadFrame is what a dead letter says of its frame.
type deadFrame struct {
	topic     string
	partition int32
	offset    int64
	omitted   bool          // message lacks the frame's value
	message   kafka.Message // as the frame was
}

// frameOf takes a dead letter back to the frame it was; false means that the record is not a dead letter. A frame that
// failed twice has the added headers twice: the last ones count, and all go.
func frameOf(r record) (f deadFrame, ok bool) {
	added := map[string]string{}
	f.message = message(r)
	f.message.Headers = nil
	for _, h := range r.headers {
		if strings.HasPrefix(h.Key, deadPrefix) {
			added[h.Key] = string(h.Value)
		} else {
			f.message.Headers = append(f.message.Headers, h)
		}
	}
	f.topic = added[deadTopic]
	partition, err := strconv.ParseInt(added[deadPartition], 10, 32)
	if err != nil || partition < 0 || f.topic == "" {
		return f, false
	}
	f.partition = int32(partition)
	f.offset, err = strconv.ParseInt(added[deadOffset], 10, 64)
	_, f.omitted = added[deadOmitted]
	return f, err == nil && f.offset >= 0
}
