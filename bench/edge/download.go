package main

import (
	"slices"
	"time"
)

// specialist returns what the server of the paper's protocol does after a miss: its selector picks a specialist, which is
// sent after the answer unless the device holds it.
func (d *device) specialist(row int) func() {
	if !d.k.download {
		return nil
	}
	return func() {
		q := append([]float32(nil), d.w.facts.selector[row]...)
		d.scratch.Set(&d.state)
		before := d.scratch.Active()
		if _, err := d.policy.Teach(&d.scratch, append([]float32(nil), q...)); err != nil || d.loading {
			return
		}
		next := d.scratch.Active()
		if next == before {
			return
		}
		bytes := 0
		if !slices.Contains(d.held, next) {
			bytes = d.w.facts.Paper[next].FileBytes
		}
		d.loading = true
		d.w.on(d.e.sendDown(d.w.now, bytes), func(time.Duration) {
			d.loading = false
			d.hold(next)
			if _, err := d.policy.Teach(&d.state, q); err != nil {
				d.w.fail(err)
			}
		})
	}
}

// hold keeps the most recently used specialists.
func (d *device) hold(i int) {
	d.held = slices.DeleteFunc(d.held, func(h int) bool { return h == i })
	d.held = append([]int{i}, d.held...)
	d.held = d.held[:min(len(d.held), max(1, d.k.settings.Capacity))]
}
