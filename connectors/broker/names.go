package broker

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicName matches the names that Kafka takes for topics, and "." and "..", which it does not take.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func validName(topic string) bool {
	return topicName.MatchString(topic) && topic != "." && topic != ".."
}

// refuseNames makes the broker refuse new topics under names that Kafka refuses: kfake takes any, and what was tried
// here would fail on a real Kafka.
func refuseNames(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl() // else it would refuse once
		return refuseTopics(req.(*kmsg.CreateTopicsRequest))
	})
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		m := req.(*kmsg.MetadataRequest)
		for _, t := range m.Topics {
			if t.Topic != nil && !validName(*t.Topic) {
				m.AllowAutoTopicCreation = false
			}
		}
		return nil, nil, false // kfake answers the changed request: there is no such topic
	})
}

// refuseTopics answers a request with such a name. kfake answers a request as a whole, so the other topics of the
// request are refused too.
func refuseTopics(req *kmsg.CreateTopicsRequest) (kmsg.Response, error, bool) {
	res := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	refused := false
	for _, t := range req.Topics {
		r := kmsg.NewCreateTopicsResponseTopic()
		r.Topic, r.ErrorCode = t.Topic, kerr.InvalidRequest.Code
		why := "another topic of the same request has an invalid name"
		if !validName(t.Topic) {
			refused = true
			r.ErrorCode = kerr.InvalidTopicException.Code
			why = "a topic's name has 1 to 249 letters, digits, dots, hyphens and underscores"
		}
		r.ErrorMessage = &why
		res.Topics = append(res.Topics, r)
	}
	return res, nil, refused
}
