"""Frames from Kafka, up to the current end of the topic."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

FETCH = 512  # messages in a batch at most


@dataclass
class Frame:
    stream: str
    sequence: int
    partition: int
    offset: int
    time_ms: int
    truth: str
    image: bytes


def partitions(brokers: str, topic: str) -> list[int]:
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "peers"})
    try:
        return sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    finally:
        consumer.close()


def read(brokers: str, topic: str, mine: list[int]) -> Iterator[list[Frame]]:
    """Batches of frames of the given partitions, each partition in order."""
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "peers", "enable.auto.commit": False,
        "fetch.max.bytes": 16 << 20, "max.partition.fetch.bytes": 4 << 20,
    })  # fmt: skip
    try:
        ends = {}
        for p in mine:
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)
            if end > first:
                ends[p] = end
        consumer.assign([TopicPartition(topic, p, 0) for p in ends])
        left = sum(ends.values())
        while ends:
            # no more than there are: consume would wait for others until its timeout, and the fewer the frames the more that counts
            batch = [frame(m) for m in consumer.consume(min(FETCH, max(left, 1)), timeout=0.2)]
            left -= len(batch)
            for f in batch:
                if f.offset + 1 >= ends.get(f.partition, 0):
                    ends.pop(f.partition, None)
            if batch:
                yield batch
    finally:
        consumer.close()


def frame(m) -> Frame:
    if m.error():
        raise RuntimeError(f"read: {m.error()}")
    headers = dict(m.headers())
    return Frame(
        m.key().decode(), int(headers["sequence"]), m.partition(), m.offset(), m.timestamp()[1],
        headers["label"].decode(), m.value(),
    )  # fmt: skip
