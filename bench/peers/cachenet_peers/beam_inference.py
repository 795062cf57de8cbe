"""Beam Python RunInference with its ONNX handler: the full model answers every frame.

Frames come from memory, or from Kafka through the plain loop's client (Beam's own KafkaIO needs Java workers).
"""

import argparse
import logging

import apache_beam as beam
import numpy as np
import onnxruntime as ort
import pyarrow as pa
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference
from apache_beam.ml.inference.onnx_inference import OnnxModelHandlerNumpy
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from . import recording, source
from .decode import Decoder
from .policy import softmax
from .task import Task

SHARES = 6  # of the frames in memory; the number of partitions of the topic

SCHEMA = pa.schema([
    ("stream", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()), ("sequence", pa.int64()),
    ("event_time", pa.timestamp("us", tz="UTC")), ("outcome", pa.string()), ("label", pa.string()),
    ("confidence", pa.float32()), ("truth", pa.string()),
])  # fmt: skip


class Handler(OnnxModelHandlerNumpy):
    """The standard handler, except for session options, which cannot be pickled."""

    def __init__(self, file: str, threads: int, batch: int):
        super().__init__(file, min_batch_size=batch, max_batch_size=batch)
        self._threads = threads

    def load_model(self):
        self._session_options = ort.SessionOptions()
        self._session_options.intra_op_num_threads = self._threads
        self._providers = ["CPUExecutionProvider"]
        try:
            return super().load_model()
        finally:
            self._session_options = None


class Decode(beam.DoFn):
    """Frames to pairs of a row's fields and the net's input."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def setup(self):
        self.decode = Decoder(*self.arguments)

    def process(self, f: source.Frame):
        yield (f.stream, f.partition, f.offset, f.sequence, f.time_ms, f.truth), self.decode([f.image])[0]


class Rows(beam.DoFn):
    def __init__(self, classes: list[str], temperature: float):
        self.classes, self.temperature = classes, temperature

    def process(self, element):
        (stream, partition, offset, sequence, time_ms, truth), result = element
        p = softmax(np.asarray(result.inference).reshape(1, -1), self.temperature)[0]
        best = int(p.argmax())
        yield {
            "stream": stream, "partition": partition, "offset": offset, "sequence": sequence, "event_time": time_ms * 1000,
            "outcome": "miss", "label": self.classes[best], "confidence": float(p[best]), "truth": truth,
        }  # fmt: skip


def from_kafka(partition: int, brokers: str, topic: str):
    for batch in source.read(brokers, topic, [partition]):
        yield from batch


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--task", required=True)
    a.add_argument("--source", choices=("memory", "kafka"), required=True)
    a.add_argument("--recording", help="file of frames, with --source memory")
    a.add_argument("--frames", type=int, help="of each stream, with --source memory")
    a.add_argument("--brokers")
    a.add_argument("--topic")
    a.add_argument("--out", required=True)
    a.add_argument("--processes", type=int, default=2)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--scale", choices=("whole", "reduced"), default="reduced")
    o = a.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
    task = Task.read(o.task)
    options = PipelineOptions(
        direct_num_workers=o.processes,
        direct_running_mode="multi_processing" if o.processes > 1 else "in_memory",
    )
    if o.source == "kafka":
        shares, frames = source.partitions(o.brokers, o.topic), beam.FlatMap(from_kafka, o.brokers, o.topic)
    else:
        shares, frames = range(SHARES), beam.FlatMap(lambda share, *rest: recording.read(o.recording, share, *rest), SHARES, o.frames)
    with beam.Pipeline(runner=FnApiRunner(), options=options) as p:
        (
            p
            | beam.Create(shares)
            | beam.Reshuffle()
            | "read" >> frames
            | beam.ParDo(Decode(task.width, task.height, task.resize, o.scale))
            | RunInference(KeyedModelHandler(Handler(task.full.file, o.threads, o.batch)))
            | beam.ParDo(Rows(task.classes, task.full.temperature))
            | beam.io.WriteToParquet(f"{o.out}/outcomes/part", SCHEMA, codec="zstd", file_name_suffix=".parquet")
        )


if __name__ == "__main__":
    main()
