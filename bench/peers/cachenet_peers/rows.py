"""One row per frame, in Parquet, with those of the pipeline's columns that a plain loop can fill."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema([
    ("stream", pa.dictionary(pa.int32(), pa.string())),
    ("partition", pa.int32()),
    ("offset", pa.int64()),
    ("sequence", pa.int64()),
    ("event_time", pa.timestamp("us", tz="UTC")),
    ("outcome", pa.dictionary(pa.int32(), pa.string())),
    ("label", pa.dictionary(pa.int32(), pa.string())),
    ("confidence", pa.float32()),
    ("truth", pa.dictionary(pa.int32(), pa.string())),
])  # fmt: skip
BUFFERED = 16384  # rows


class Rows:
    """Writes DIR/outcomes/part-N.parquet."""

    def __init__(self, folder: str, part: int, classes: list[str]):
        path = Path(folder, "outcomes")
        path.mkdir(parents=True, exist_ok=True)
        self.writer = pq.ParquetWriter(path / f"part-{part}.parquet", SCHEMA, compression="zstd", compression_level=1)
        self.classes = classes
        self.columns = [[] for _ in SCHEMA]

    def add(self, frames, classes, confidences, hits) -> None:
        stream, partition, offset, sequence, time, outcome, label, confidence, truth = self.columns
        for f, c, p, hit in zip(frames, classes.tolist(), confidences.tolist(), hits.tolist()):
            stream.append(f.stream)
            partition.append(f.partition)
            offset.append(f.offset)
            sequence.append(f.sequence)
            time.append(f.time_ms * 1000)
            outcome.append("hit" if hit else "miss")
            label.append(self.classes[c])
            confidence.append(p)
            truth.append(f.truth)
        if len(stream) >= BUFFERED:
            self.flush()

    def flush(self) -> None:
        arrays = [pa.array(c, SCHEMA.field(i).type.value_type).dictionary_encode() if pa.types.is_dictionary(SCHEMA.field(i).type)
                  else pa.array(c, SCHEMA.field(i).type) for i, c in enumerate(self.columns)]  # fmt: skip
        self.writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
        self.columns = [[] for _ in SCHEMA]

    def close(self) -> None:
        self.flush()
        self.writer.close()
