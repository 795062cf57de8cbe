#!/usr/bin/env bash
# Runs every fuzz target of the project, one after the other.
#   fuzz.sh TIME    30s, 2m, … for each
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cd "$(dirname "$0")/.."
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' . | while IFS=: read -r file found; do
  target=${found#func }
  echo "== $target (${file%/*})"
  # minimising inputs never ends where coverage depends on map order
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 2s "${file%/*}" </dev/null
done
