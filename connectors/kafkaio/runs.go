package kafkaio

import "github.com/cachenet/cachenet/schemas"

// group puts frames, which come in offset order, into runs of at most length frames of one stream. Within
// a stream, runs and their frames keep the order.
func group(frames []schemas.Frame, length int) [][]schemas.Frame {
	var runs [][]schemas.Frame
	open := map[string]int{} // stream → its last run
	for _, f := range frames {
		i, ok := open[f.Stream]
		if !ok || len(runs[i]) >= length {
			i = len(runs)
			open[f.Stream] = i
			runs = append(runs, nil)
		}
		runs[i] = append(runs[i], f)
	}
	return runs
}
