#!/usr/bin/env bash
# Memory of a run whose producer sends at twice the run's capacity, for 120 s: prints the resident memory every 10 s.
#   bench-memory.sh BINARY PACK IMAGES
set -euo pipefail
binary=$1 pack=$2 images=$3
streams=24 seconds=${SECONDS_TO_RUN:-120}
work=$(mktemp -d)
pids=()
stop() {
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

"$binary" broker --listen 127.0.0.1:0 --data "$work/broker" >"$work/address" &
pids+=($!)
for _ in $(seq 100); do [ -s "$work/address" ] && break; sleep 0.1; done
brokers=$(sed 's/^listening on //' "$work/address")
produce() { exec "$binary" produce --brokers "$brokers" --source "images:$images" --streams $streams --active 2 --dwell 100 "$@" 2>/dev/null; }
run() { "$binary" run --brokers "$brokers" --group bench --pack "$pack" --policy full "$@" 2>/dev/null; }

(produce --topic probe --frames 400)
begin=$(date +%s%N)
run --topic probe --out "$work/probe" --until-end
capacity=$((400 * streams * 1000 / (($(date +%s%N) - begin) / 1000000)))
rate=$((2 * capacity / streams))
echo "capacity $capacity frames/s; producing $((rate * streams)) frames/s for $seconds s"

(produce --topic frames --frames 1) # creates the topic
"$binary" run --brokers "$brokers" --group bench --pack "$pack" --policy full --topic frames --out "$work/out" --file-age 1s 2>/dev/null &
worker=$!
pids+=($worker)
produce --topic frames --frames $((rate * seconds)) --rate "$rate" & pids+=($!)
for ((t = 10; t <= seconds; t += 10)); do
  sleep 10
  printf '%4d s  %4d MB\n' "$t" $(($(awk '/^VmRSS/{print $2}' "/proc/$worker/status") / 1024))
done
