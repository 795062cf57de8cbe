package report

import "github.com/cachenet/cachenet/schemas"

// answers holds the answer to every frame of a data set in 4 bytes a frame: the offsets of a partition are dense, so
// that they share pages.
type answers struct {
	numbers map[string]uint32 // label → its number; 0 is no row
	labels  []string          // by number
	pages   map[page]*[pageSize]uint32
}

const pageSize = 4096

type page struct {
	topic     string
	partition int32
	number    int64 // offset / pageSize
}

func newAnswers() *answers {
	return &answers{numbers: map[string]uint32{}, labels: make([]string, 1), pages: map[page]*[pageSize]uint32{}}
}

// put stores the answer of a row and reports whether it is the first of its frame; later ones are ignored.
func (a *answers) put(o *schemas.Outcome) (first bool) {
	at := place(o)
	p := a.pages[at]
	if p == nil {
		p = new([pageSize]uint32)
		a.pages[at] = p
	}
	slot := &p[o.Offset-at.number*pageSize]
	if *slot != 0 {
		return false
	}
	number, known := a.numbers[o.Label]
	if !known {
		number = uint32(len(a.labels))
		a.numbers[o.Label] = number
		a.labels = append(a.labels, o.Label)
	}
	*slot = number
	return true
}

// get returns the answer to the frame of the row o, if there is one; errors are none.
func (a *answers) get(o *schemas.Outcome) (label string, ok bool) {
	if a == nil {
		return "", false
	}
	at := place(o)
	p := a.pages[at]
	if p == nil {
		return "", false
	}
	label = a.labels[p[o.Offset-at.number*pageSize]]
	return label, label != ""
}

func place(o *schemas.Outcome) page {
	number := o.Offset / pageSize
	if o.Offset%pageSize < 0 { // a file from elsewhere may hold any offset
		number--
	}
	return page{o.Topic, o.Partition, number}
}

// has reports whether there is a row of the frame, with an answer or without.
func (a *answers) has(o *schemas.Outcome) bool {
	at := place(o)
	p := a.pages[at]
	return p != nil && p[o.Offset-at.number*pageSize] != 0
}
