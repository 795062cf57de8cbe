package kafkaio

// Merge adds the counts of a later job of the same device, which sends again what was in flight when the job before ended.
func (c *UplinkCounts) Merge(later UplinkCounts) {
	c.Asked += later.Asked
	c.Answered += later.Answered
	c.Expired += later.Expired
	c.Hedged += later.Hedged
	c.Late += later.Late
	c.Refused += later.Refused
	c.Unexpected += later.Unexpected
	c.Pending = later.Pending
	c.BytesUp += later.BytesUp
	c.BytesDown += later.BytesDown
	c.Sent += later.Sent
	c.Resent += later.Resent
	c.Outages += later.Outages
	c.Down += later.Down
	c.Wait.merge(later.Wait)
	c.quantiles()
}

func (c *UplinkCounts) quantiles() {
	c.WaitP50, c.WaitP99 = milliseconds(c.Wait.Quantile(0.5)), milliseconds(c.Wait.Quantile(0.99))
}

func (w *Waits) merge(o Waits) {
	for i, n := range o.Buckets {
		w.Buckets[i] += n
	}
	w.Sum += o.Sum
}
