package broker

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What works on the embedded broker should work on Kafka.
func TestNamesThatKafkaRefusesAreRefused(t *testing.T) {
	c := connect(t, start(t, Options{AutoCreate: true}))
	for name, want := range map[string]error{
		"frames": nil, "Frames_2.b-c": nil, "...": nil, strings.Repeat("x", 249): nil,
		"": kerr.InvalidTopicException, ".": kerr.InvalidTopicException, "..": kerr.InvalidTopicException, "two words": kerr.InvalidTopicException,
		"a/b": kerr.InvalidTopicException, "caméra": kerr.InvalidTopicException, strings.Repeat("x", 250): kerr.InvalidTopicException,
	} {
		made := kmsg.NewPtrCreateTopicsRequest()
		made.Topics = append(made.Topics, kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: 1, ReplicationFactor: 1})
		res, err := made.RequestWith(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if got := kerr.ErrorForCode(res.Topics[0].ErrorCode); !errors.Is(got, want) {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
		asked := kmsg.NewPtrMetadataRequest() // would create it too
		asked.AllowAutoTopicCreation = true
		asked.Topics = append(asked.Topics, kmsg.MetadataRequestTopic{Topic: &name})
		seen, err := asked.RequestWith(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if exists := seen.Topics[0].ErrorCode == 0; exists != (want == nil) {
			t.Errorf("%q: exists after it was asked for: %v", name, exists)
		}
	}
}

// kfake answers a request as a whole: none of its topics is made, and each says why.
func TestARefusedNameRefusesItsRequest(t *testing.T) {
	c := connect(t, start(t, Options{}))
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range []string{"good", "not good"} {
		req.Topics = append(req.Topics, kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: 1, ReplicationFactor: 1})
	}
	for range 2 { // the second time as well
		res, err := req.RequestWith(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []error{kerr.InvalidRequest, kerr.InvalidTopicException} {
			if r := res.Topics[i]; !errors.Is(kerr.ErrorForCode(r.ErrorCode), want) || r.ErrorMessage == nil {
				t.Errorf("%s: %v", r.Topic, kerr.ErrorForCode(r.ErrorCode))
			}
		}
	}
}
