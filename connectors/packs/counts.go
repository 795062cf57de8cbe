package packs

import "github.com/cachenet/cachenet/connectors/session"

// counting lets a job find the counts of a cache; it is no io.Closer, so that the cache outlives the job.
type counting struct{ cache *Cache }

const countsPart = "packs.Counts"

// Attach lets [CountsOf] find what the downloads of the cache came to.
func (c *Cache) Attach(job *session.Session) error {
	_, err := session.Part(job, countsPart, func() (counting, error) { return counting{c}, nil })
	return err
}

// CountsOf returns what the downloads of the job's cache came to so far; false where it has none.
func CountsOf(job *session.Session) (Counts, bool) {
	c, ok := session.Get[counting](job, countsPart)
	if !ok {
		return Counts{}, false
	}
	return c.cache.Counts(), true
}
