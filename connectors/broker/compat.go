package broker

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// claimed are the requests that the broker says it answers: those of kfake and of a stable Kafka, without the ones
// where kfake leaves out what Kafka's own tools read. They take another way then, or say that it is not supported.
func claimed() *kversion.Versions {
	v := kversion.Stable()
	for _, nullLists := range []kmsg.Key{kmsg.DescribeTopicPartitions, kmsg.DescribeClientQuotas, kmsg.AlterClientQuotas} {
		v.SetMaxKeyVersion(int16(nullLists), -1)
	}
	v.SetMaxKeyVersion(int16(kmsg.CreateTopics), 4) // 5 answers with configs, whose source kfake leaves unset
	return v
}

// foldFilters lets ListGroups find groups whatever the case of the types and states it asks for, as Kafka does: the
// tools ask for "Classic", kfake knows "classic".
func foldFilters(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.ListGroups), func(req kmsg.Request) (kmsg.Response, error, bool) {
		list, ok := req.(*kmsg.ListGroupsRequest)
		if !ok {
			return nil, nil, false
		}
		for i, t := range list.TypesFilter {
			list.TypesFilter[i] = strings.ToLower(t)
		}
		for i, s := range list.StatesFilter {
			list.StatesFilter[i] = knownState(s)
		}
		return nil, nil, false // kfake answers the changed request
	})
}

// knownState returns the group state that s means, as kfake spells it.
func knownState(s string) string {
	for _, known := range []string{"PreparingRebalance", "CompletingRebalance", "Stable", "Empty", "Dead", "Reconciling"} {
		if strings.EqualFold(s, known) {
			return known
		}
	}
	return s
}
