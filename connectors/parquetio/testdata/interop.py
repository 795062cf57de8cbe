"""Reads a data set of outcomes as analysts do and prints, per reader, what it found; usage: interop.py DIR"""

import json
import sys

import duckdb
import pandas
import polars
import pyarrow.compute as pc
import pyarrow.dataset


def with_duckdb(root):
    rows = f"read_parquet('{root}/**/*.parquet', hive_partitioning=true)"
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'")
    return db.execute(
        f"""SELECT count(*), sum("offset"), count(*) FILTER (outcome = 'hit'), count(label), count(error),
                   min(epoch_us(event_time)), max(epoch_us(event_time)), typeof(any_value(event_time)),
                   sum(latency_us), count(DISTINCT stream),
                   count(*) FILTER (dt = '2026-05-04' AND hour = 12),
                   count(*) FILTER (strftime(event_time, '%Y-%m-%d %H') = dt || ' ' || lpad(hour::VARCHAR, 2, '0'))
            FROM {rows}"""
    ).fetchall()[0]


def with_polars(root):
    f = polars.scan_parquet(root, hive_partitioning=True).collect()
    at = f["event_time"]
    return (
        len(f), f["offset"].sum(), (f["outcome"] == "hit").sum(), f["label"].count(), f["error"].count(),
        at.dt.epoch("us").min(), at.dt.epoch("us").max(), str(at.dtype),
        f["latency_us"].sum(), f["stream"].n_unique(),
        f.filter((polars.col("dt").cast(str) == "2026-05-04") & (polars.col("hour") == 12)).height,
        ((at.dt.strftime("%Y-%m-%d") == f["dt"].cast(str)) & (at.dt.hour() == f["hour"])).sum(),
    )


def with_pyarrow(root):
    t = pyarrow.dataset.dataset(root, partitioning="hive").to_table()
    at = t["event_time"]
    us = at.cast("int64")
    inside = pc.and_(pc.equal(pc.strftime(at, "%Y-%m-%d"), t["dt"]), pc.equal(pc.hour(at), pc.cast(t["hour"], "int64")))
    there = pc.and_(pc.equal(t["dt"], "2026-05-04"), pc.equal(t["hour"], 12))
    return (
        len(t), pc.sum(t["offset"]).as_py(), pc.sum(pc.equal(t["outcome"], "hit")).as_py(),
        pc.count(t["label"]).as_py(), pc.count(t["error"]).as_py(),
        pc.min(us).as_py(), pc.max(us).as_py(), str(at.type),
        pc.sum(t["latency_us"]).as_py(), pc.count_distinct(t["stream"]).as_py(),
        pc.sum(there).as_py(), pc.sum(inside).as_py(),
    )


def with_pandas(root):
    f = pandas.read_parquet(root)
    at = f["event_time"]
    us = at.astype("datetime64[us, UTC]").astype("int64")
    return (
        len(f), int(f["offset"].sum()), int((f["outcome"] == "hit").sum()),
        int(f["label"].count()), int(f["error"].count()), int(us.min()), int(us.max()), str(at.dtype),
        int(f["latency_us"].sum()), f["stream"].nunique(),
        int(((f["dt"].astype(str) == "2026-05-04") & (f["hour"].astype(int) == 12)).sum()),
        int(((at.dt.strftime("%Y-%m-%d") == f["dt"].astype(str)) & (at.dt.hour == f["hour"].astype(int))).sum()),
    )


NAMES = ("rows", "offsets", "hits", "labels", "errors", "first_us", "last_us", "time_type", "latency_us", "streams",
         "rows_of_one_hour", "rows_in_their_hour")
READERS = {"duckdb": with_duckdb, "polars": with_polars, "pyarrow": with_pyarrow, "pandas": with_pandas}

if __name__ == "__main__":
    root = sys.argv[1] + "/outcomes"
    print(json.dumps({name: dict(zip(NAMES, read(root))) for name, read in READERS.items()}))
