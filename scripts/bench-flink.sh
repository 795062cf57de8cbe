#!/usr/bin/env bash
# cachenet run on prism and on Apache Flink with one and two slots, in turn, over the same topic of a real Kafka: frames/s from the
# first to the last row, and processor time a frame of everything but the broker (the JVMs of Flink included). What a job over one
# frame of each stream takes is subtracted from it, and is shown beside it: that is the start of a job.
#   bench-flink.sh [ROUNDS [STREAMS [FRAMES_SMALL [FRAMES_LARGE]]]]    prints a Markdown table
# The broker is a process of its own on the same cores, and serves all alike.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-3} streams=${2:-48} small=${3:-1000} large=${4:-150}
pack=models/packs/scenes

# shellcheck source=scripts/kafka-and-flink.sh
. scripts/kafka-and-flink.sh
publish() { # TOPIC SIZE FRAMES
  bin/cachenet produce --brokers "$brokers" --topic "$1" --partitions 8 --source scenes --size "$2" \
    --streams "$streams" --frames "$3" --active 3 --dwell 60 --seed 1 2>/dev/null
}
publish start 32x32 1
publish 32x32 32x32 "$small"
publish 640x480 640x480 "$large"

# clusterTicks: processor time of Flink's processes so far, in hundredths of a second
clusterTicks() {
  local pid ticks=0
  for pid in "$work"/flink/*.pid; do
    ticks=$((ticks + $(sed 's/.*) //' "/proc/$(cat "$pid")/stat" | awk '{print $12 + $13}')))
  done
  echo $ticks
}

n=0
# measure NAME TOPIC FLAGS…: appends a line "NAME TOPIC frames/s seconds-of-a-core rows" to the results
measure() {
  local name=$1 topic=$2 out before after
  shift 2
  n=$((n + 1)); out=$work/out-$n
  before=$(clusterTicks)
  TIMEFORMAT='%U %S'
  { time bin/cachenet run "$@" --brokers "$brokers" --topic "$topic" --group "bench-$n" --pack $pack --audit-rate 0 \
      --until-end --out "$out" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; } 2>"$work/time"
  after=$(clusterTicks)
  bin/cachenet report "$out" --output json >"$work/report.json"
  python3 - "$name" "$topic" $((after - before)) "$work/time" "$work/report.json" <<'PY' | tee -a "$work/results" >&2
import json, sys
name, topic, ticks, times, report = sys.argv[1:]
r = json.load(open(report))
cpu = sum(map(float, open(times).read().split())) + int(ticks) / 100
print(name, topic, round(r.get("frames_per_second", 0)), round(cpu, 2), r["frames"], sep="\t")
PY
  rm -rf "$out"
}

measure "Flink, first job" 32x32 "${flink[@]}" --parallelism 2 # in which the JVMs compile; it is left out
for _ in $(seq "$rounds"); do
  for topic in start 32x32 640x480; do
    measure prism $topic
    measure "Flink, parallelism 1" $topic "${flink[@]}" --parallelism 1
    measure "Flink, parallelism 2" $topic "${flink[@]}" --parallelism 2
  done
done

python3 - "$work/results" <<'PY'
import collections, statistics, sys
rounds = collections.defaultdict(list)
for line in open(sys.argv[1]):
    name, topic, rate, cpu, frames = line.rstrip("\n").split("\t")
    rounds[topic, name].append((int(rate), float(cpu), int(frames)))
def cell(values, form=",.0f"):
    return f"{statistics.median(values):{form}} ({min(values):{form}} – {max(values):{form}})"
print("| runner | frames | frames/s | processor time a frame, µs | of a start, s |\n|---|---|---|---|---|")
for (topic, name), rows in sorted(rounds.items()):
    if topic == "start" or ("start", name) not in rounds:
        continue
    rate, cpu, frames = zip(*rows)
    assert len(set(frames)) == 1, f"rows differ: {frames}"
    starts = [cpu for _, cpu, _ in rounds["start", name]]
    each = [1e6 * (c - s) / f for c, s, f in zip(cpu, starts, frames)]
    print(f"| {name} | {frames[0]:,} of {topic} | {cell(rate)} | {cell(each)} | {cell(starts, '.1f')} |")
PY
