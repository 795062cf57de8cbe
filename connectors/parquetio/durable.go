package parquetio

import "github.com/cachenet/cachenet/schemas"

// Durable says which offsets have an outcome in finished files: topic → partition → offsets. Its JSON form is
// what the footer of a file carries.
type Durable map[string]map[int32]schemas.Offsets

// add puts one offset in.
func (d Durable) add(topic string, partition int32, offset int64) {
	d.change(topic, partition, func(o *schemas.Offsets) { o.Add(offset, offset+1) })
}

func (d Durable) addRange(topic string, partition int32, from, to int64) {
	d.change(topic, partition, func(o *schemas.Offsets) { o.Add(from, to) })
}

// union adds all of other.
func (d Durable) union(other Durable) {
	for topic, partitions := range other {
		for partition, offsets := range partitions {
			d.change(topic, partition, func(o *schemas.Offsets) { o.Union(offsets) })
		}
	}
}

// any reports whether there is an offset in it.
func (d Durable) any() bool {
	for _, partitions := range d {
		for _, offsets := range partitions {
			if offsets.Count() > 0 {
				return true
			}
		}
	}
	return false
}

func (d Durable) change(topic string, partition int32, f func(*schemas.Offsets)) {
	partitions := d[topic]
	if partitions == nil {
		partitions = map[int32]schemas.Offsets{}
		d[topic] = partitions
	}
	offsets := partitions[partition]
	f(&offsets)
	partitions[partition] = offsets
}
