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

# port: one that is free and whose two followers are
port() {
  python3 - <<'PY'
import socket
while True:
    held = [socket.socket() for _ in range(3)]
    try:
        held[0].bind(("127.0.0.1", 0))
        port = held[0].getsockname()[1]
        for i in (1, 2):
            held[i].bind(("127.0.0.1", port + i))
        print(port)
        break
    except OSError:
        pass
PY
}

work=$(mktemp -d)
# shellcheck disable=SC2329  # called by the trap
cleanup() {
  [ -d "$work/flink" ] && scripts/flink.sh stop "$work/flink"
  [ -f "$work/kafka/pid" ] && scripts/kafka.sh stop "$work/kafka"
  rm -rf "$work"
}
trap cleanup EXIT

scripts/kafka.sh jars >/dev/null
scripts/flink.sh jars >/dev/null
echo "starting Kafka and Flink" >&2
brokers=127.0.0.1:$(port)
scripts/kafka.sh start "$work/kafka" "${brokers##*:}" >/dev/null
service=127.0.0.1:$(port)
scripts/flink.sh start "$work/flink" "${service##*:}"
bin/cachenet produce --brokers "$brokers" --topic frames --partitions 4 --source scenes --streams "$streams" --frames "$frames" --active 3 --dwell 60 --seed 1
bin/cachenet run --runner flink --endpoint "$service" --flink-rest "127.0.0.1:$((${service##*:} + 2))" --parallelism 2 --checkpoints 2s --until-end \
  --brokers "$brokers" --topic frames --group flink-demo --pack "$pack" --out "$out"
echo "checkpoints taken: $(grep -c 'Completed checkpoint' "$work/flink/jobmanager.log" || true)"
bin/cachenet report "$out"
