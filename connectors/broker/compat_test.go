package broker

import (
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func connect(t *testing.T, b *Broker) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Kafka's tools use every API that the broker advertises, and fail on responses that leave lists out.
func TestOnlySupportedAPIsAreAdvertised(t *testing.T) {
	c := connect(t, start(t, Options{}))
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "test", "1"
	res, err := req.RequestWith(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	claimed := map[kmsg.Key]bool{}
	for _, k := range res.ApiKeys {
		claimed[kmsg.Key(k.ApiKey)] = true
		if k.ApiKey == int16(kmsg.CreateTopics) && k.MaxVersion > 4 {
			t.Errorf("advertises CreateTopics v%d, to which kfake responds with configs without a source", k.MaxVersion)
		}
	}
	for _, k := range []kmsg.Key{kmsg.DescribeTopicPartitions, kmsg.DescribeClientQuotas, kmsg.AlterClientQuotas} {
		if claimed[k] {
			t.Errorf("advertises %s, to which kfake responds with null lists", k.Name())
		}
	}
	for _, k := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.Metadata, kmsg.OffsetCommit, kmsg.ListGroups, kmsg.DescribeConfigs, kmsg.EndTxn} {
		if !claimed[k] {
			t.Errorf("does not advertise %s", k.Name())
		}
	}
}

// commit creates a group with a committed offset and no members.
func commit(t *testing.T, addr, group string) {
	t.Helper()
	c := &kafka.Client{Addr: kafka.TCP(addr)}
	res, err := c.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{"frames": {{}}}})
	if err == nil {
		err = res.Topics["frames"][0].Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kafka-consumer-groups asks for groups of the types "Classic" and "Consumer".
func TestListGroupsIgnoresCase(t *testing.T) {
	b := start(t, Options{Topics: map[string]int32{"frames": 1}})
	c := connect(t, b)
	commit(t, b.Addr(), "cams")
	for _, test := range []struct {
		types, states []string
		found         bool
	}{
		{nil, nil, true},
		{[]string{"Classic", "Consumer"}, nil, true},
		{[]string{"classic"}, []string{"empty"}, true},
		{nil, []string{"Empty", "STABLE"}, true},
		{[]string{"Consumer"}, nil, false},
		{nil, []string{"Stable"}, false},
		{nil, []string{"None such"}, false},
	} {
		req := kmsg.NewPtrListGroupsRequest()
		req.TypesFilter, req.StatesFilter = test.types, test.states
		res, err := req.RequestWith(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(res.Groups, func(g kmsg.ListGroupsResponseGroup) bool { return g.Group == "cams" })
		if found != test.found {
			t.Errorf("types %q, states %q: found %v, want %v", test.types, test.states, found, test.found)
		}
	}
}
