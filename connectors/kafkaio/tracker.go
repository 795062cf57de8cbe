package kafkaio

import "github.com/apache/beam/sdks/v2/go/pkg/beam/io/rtrackers/offsetrange"

// tracker tracks the offsets of one partition. It splits where it stands, which is how the source pauses
// and how a runner takes a checkpoint, and refuses every other split: two readers of one partition
// would not be faster than one, and the order within a stream would be lost.
type tracker struct {
	*offsetrange.Tracker
}

// TrySplit implements sdf.RTracker.
func (t tracker) TrySplit(fraction float64) (primary, residual any, err error) {
	if fraction > 0 {
		return t.GetRestriction(), nil, nil
	}
	return t.Tracker.TrySplit(0)
}

// IsBounded implements sdf.BoundableRTracker.
func (t tracker) IsBounded() bool {
	return t.GetRestriction().(offsetrange.Restriction).End < Unbounded
}
