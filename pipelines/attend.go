package pipelines

import (
	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/connectors/session"
	"github.com/cachenet/cachenet/transforms"
)

// attend keeps what a job leaves behind beside its rows: gaps, the frames it looks at, and the streams' state. It
// returns the memory of the latter, nil where the transforms run in other processes.
func (j job) attend(link *session.Session, s start) (*transforms.Memory, error) {
	gaps, err := parquetio.OpenGapLog(j.Out, link)
	if err != nil {
		return nil, err
	}
	if err := j.tellGaps(s, gaps); err != nil {
		return nil, err
	}
	link.Begin(j.Topic, s.done)
	if !j.runner.credit {
		return nil, nil
	}
	if err := j.watch(link, s.deaths); err != nil {
		return nil, err
	}
	return transforms.Remember(link, s.streams)
}
