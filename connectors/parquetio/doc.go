// Package parquetio keeps outcomes as Parquet files that DuckDB, polars, pyarrow and pandas read as they are.
//
// A data set is a folder:
//
//	DIR/outcomes/dt=2026-01-31/hour=07/<name>.parquet   finished files, and nothing else
//	DIR/.cachenet/                                      locks, the ledger, files being written
//
// dt and hour are those of the rows' event time in UTC, because that is what an analyst filters by. A file is
// built in memory, written outside the data set's folders, made durable, and only then moved into its folder, so
// every file under outcomes/ is whole. Its footer says which offsets it holds (key cachenet.offsets):
// [Recover] adds the footers up, and that sum is the truth from which a restart resumes.
package parquetio
