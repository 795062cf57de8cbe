#!/usr/bin/env bash
# The picture of the README: the page of a demo, as a browser shows it. Run it on an idle machine, since the page shows speeds.
#   picture.sh PICTURE [DIR]    DIR: the folder of a demo that has been run; without it one is run
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -ge 1 ] || { sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2; }
picture=$(realpath "$1")
chromium=$(scripts/chromium.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -ge 2 ]; then
  ln -s "$(realpath "$2")" "$work/demo"
else
  bin/cachenet demo --keep-frames=false --out "$work/demo"
fi
mkdir -p "$work/out" && ln -s "$work/demo" "$work/out/demo"
(cd "$work" && "$OLDPWD/bin/cachenet" report out/demo --html "$work/report.html")
"$chromium" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" --window-size=1240,980 \
  --screenshot="$picture" "file://$work/report.html" 2>/dev/null
[ -s "$picture" ] || { echo "picture: the browser wrote none" >&2; exit 1; }
echo "$picture"
