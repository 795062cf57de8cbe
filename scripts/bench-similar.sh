#!/bin/bash
# usage: bench-similar.sh FRAMES: what --skip-similar saves and costs on a still camera, one report for each run over the same frames.
# FRAMES is a folder of frames as `cachenet scenes` writes (make bench-similar).
set -euo pipefail
frames=$1 cachenet=bin/cachenet
work=$(mktemp -d)
trap 'kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
go run ./bench/trust/stills "$frames/test" "$work/stills"
$cachenet broker --listen localhost:29557 >"$work/broker.log" 2>&1 &
broker=$!
until (echo >/dev/tcp/localhost/29557) 2>/dev/null; do sleep 0.1; done
$cachenet produce --brokers localhost:29557 --topic still --source "images:$work/stills" --streams 16 --frames 600 --rate 0 --dwell 300 2>/dev/null
run() {
  local name=$1
  shift
  $cachenet run --brokers localhost:29557 --topic still --group "$name" --pack models/packs/scenes --full inline --out "$work/$name" --until-end "$@" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; exit 1; }
  echo "== $name"
  $cachenet report "$work/$name" | grep -E '^(answered|accuracy|models|µs|in nets)'
}
run full --policy full
run cache
for n in 10 5 3; do
  run "cache, answers repeated up to $n times" --skip-similar --similar-frames "$n"
done
