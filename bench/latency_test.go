package main

import (
	"testing"

	"github.com/cachenet/cachenet/connectors/broker"
	"github.com/cachenet/cachenet/connectors/kafkaio"
)

func TestRemoveDeletesTopics(t *testing.T) {
	b, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w := &workload{brokers: b.Addr()}
	create := func(topic string, partitions int) int {
		n, err := kafkaio.EnsureTopic(t.Context(), kafkaio.Cluster{Brokers: []string{b.Addr()}}, topic, partitions)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, topic := range []string{"round", "round-outcomes", "kept"} {
		create(topic, 2)
	}
	if err := w.remove(t.Context(), "round", "round-outcomes"); err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]int{"round": 3, "round-outcomes": 3, "kept": 2} {
		if got := create(topic, 3); got != want {
			t.Errorf("%s has %d partitions, want %d", topic, got, want)
		}
	}
	if err := w.remove(t.Context(), "never"); err == nil {
		t.Error("removing a topic that is not there is no error")
	}
}
