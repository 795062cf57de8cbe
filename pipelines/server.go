package pipelines

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	netlink "github.com/cachenet/cachenet/connectors/link"
	"github.com/cachenet/cachenet/models/offload"
	"github.com/cachenet/cachenet/schemas"
)

// Server is where a device sends its misses.
type Server struct {
	Cluster kafkaio.Cluster
	Misses  string        // topic for the frames, which all devices share
	Answers string        // base of the answers topics, see kafkaio.AnswersTopic
	Device  string        // name of this device; no two devices of a server may have the same
	Drain   time.Duration // how long answers are waited for once the run is to stop; 0: DefaultDrain
	Offload offload.Mode  // what becomes of misses; empty: offload.ModeAsk
	Whole   bool          // misses are sent as they were read, also where what the full model's input shows of them is smaller
	Fuse    float64       // weight of the window in the answer to a miss, beside the full model's, 0 … 1; 0: the pack's
	full    time.Duration // what the full model on the device takes, where a test says it; 0: measured
	Link    *netlink.Link // that the connections to the server are slowed down to; nil: as they are
}

// Names of a server's topics, where nobody names others.
const (
	DefaultMisses  = "misses"
	DefaultAnswers = "answers"
)

// DefaultDrain is how long a device waits for answers once it is to stop.
const DefaultDrain = 10 * time.Second

// uplink says how the device of these options reaches the server.
func (s *Server) uplink(o Options) kafkaio.UplinkConfig {
	c := kafkaio.UplinkConfig{Cluster: s.Cluster, Misses: s.Misses, Answers: kafkaio.AnswersTopic(s.Answers, s.Device), Device: s.Device, Drain: cmp.Or(s.Drain, DefaultDrain), Link: s.Link}
	if o.Provisional {
		c.Timeout = cmp.Or(o.FullTimeout, DefaultFullTimeout)
	}
	return c
}

// offload is what becomes of misses.
func (s *Server) offload() offload.Mode { return cmp.Or(s.Offload, offload.ModeAsk) }

// contradiction returns what is wrong with the server in these options.
func (s *Server) contradiction(o Options) error {
	switch {
	case s.Misses == "" || s.Answers == "":
		return errors.New("--misses-topic, --answers-topic: must not be empty")
	case o.Full != FullAsPack:
		return fmt.Errorf("--full %s: the full model is the server's: leave it out", o.Full)
	case o.AnswersTopic != "":
		return errors.New("a device answers no other devices")
	case s.offload().Validate() != nil:
		return fmt.Errorf("--offload %w", s.offload().Validate())
	case s.Offload == offload.ModeHere && o.CacheBytes > 0:
		return errors.New("--offload here: with --cache-bytes the full model stays on the server: leave one of them out")
	case s.Offload == offload.ModeAlone && o.Provisional:
		return errors.New("--provisional: with --offload alone no answer is waited for: leave one of them out")
	case !(s.Fuse >= 0 && s.Fuse <= 1):
		return fmt.Errorf("--fuse %v: must be from 0 to 1", s.Fuse)
	case s.Drain < 0:
		return fmt.Errorf("--drain %v: must not be negative", s.Drain)
	}
	if err := schemas.CheckDevice(s.Device); err != nil {
		return fmt.Errorf("--%w", err)
	}
	return nil
}
