package kafkaio

import "github.com/cachenet/cachenet/schemas"

// group puts frames, which come in offset order, into runs of at most length frames of one stream. Within
// a stream, runs and their frames keep the order.
func group(frames []schemas.Frame, length int) []schemas.Run {
	var runs []schemas.Run
	open := map[string]int{} // stream → its last run
	for _, f := range frames {
		i, ok := open[f.Stream]
		if !ok || len(runs[i].Frames) >= length {
			i = len(runs)
			open[f.Stream] = i
			runs = append(runs, schemas.Run{})
		}
		runs[i].Frames = append(runs[i].Frames, f)
	}
	return runs
}
