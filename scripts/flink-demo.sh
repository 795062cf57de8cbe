#!/usr/bin/env bash
# The pipeline on Apache Flink, fed by a real Kafka, both on this machine: publishes frames, runs the job with
# parallelism 2 and a checkpoint every two seconds, and prints the report. It stops everything that it starts.
#   flink-demo.sh [OUT]    outcomes are written to OUT (out/flink-demo), which must not exist
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-out/flink-demo}
pack=${PACK:-models/packs/scenes}
streams=${STREAMS:-24} frames=${FRAMES:-200}
[ ! -e "$out" ] || { echo "flink-demo: $out already exists: remove it or name another folder" >&2; exit 1; }

# shellcheck source=scripts/kafka-and-flink.sh
. scripts/kafka-and-flink.sh
bin/cachenet produce --brokers "$brokers" --topic frames --partitions 4 --source scenes --streams "$streams" --frames "$frames" --active 3 --dwell 60 --seed 1
bin/cachenet run "${flink[@]}" --parallelism 2 --until-end \
  --brokers "$brokers" --topic frames --group flink-demo --pack "$pack" --out "$out"
echo "checkpoints taken: $(grep -c 'Completed checkpoint' "$work/flink/jobmanager.log" || true)"
bin/cachenet report "$out"
