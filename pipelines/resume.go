package pipelines

import (
	"fmt"
	"strconv"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/connectors/parquetio"
)

// spans says what to read of each partition. The files are the truth: what has a row is not read again,
// whatever the group has committed. A partition without rows begins where offset says.
func spans(partitions []kafkaio.Partition, durable parquetio.Durable, topic, offset string, untilEnd bool) ([]kafkaio.Span, error) {
	var all []kafkaio.Span
	for _, p := range partitions {
		done, begun := durable[topic][p.ID]
		if done.End() > p.End {
			return nil, fmt.Errorf("topic %s, partition %d ends at offset %d, but --out has outcomes up to %d: the topic was made anew; choose another --out",
				topic, p.ID, p.End, done.End()-1)
		}
		from, err := begin(p, offset)
		if err != nil {
			return nil, err
		}
		if begun {
			from = p.First
		}
		s := kafkaio.Span{Partition: p.ID, From: done.Next(from), To: kafkaio.Unbounded, Done: done}
		if untilEnd {
			s.To = max(p.End, s.From)
		}
		all = append(all, s)
	}
	return all, nil
}

func begin(p kafkaio.Partition, offset string) (int64, error) {
	switch offset {
	case "", "oldest":
		return p.First, nil
	case "newest":
		return p.End, nil
	}
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("--offset %q: must be oldest, newest or a number", offset)
	}
	return max(n, p.First), nil
}
