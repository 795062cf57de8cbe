#!/usr/bin/env bash
# Prints the path of a Chromium, for the tests that look at pages: CACHENET_CHROMIUM where it is set, else the one on the
# PATH, else one fetched into the cache folder by package name (npm @sparticuz/chromium: headless, with the libraries it
# needs, 70 MB), pinned and checked by sha256.
set -euo pipefail

version=153.0.0
sum=20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0
dir=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}/chromium/$version

die() { echo "chromium: $*" >&2; exit 1; }

if [ -n "${CACHENET_CHROMIUM:-}" ]; then
  [ -x "$CACHENET_CHROMIUM" ] || die "CACHENET_CHROMIUM: $CACHENET_CHROMIUM is no program"
  echo "$CACHENET_CHROMIUM"; exit 0
fi
if [ -z "${CACHENET_FETCH:-}" ]; then
  for name in chromium chromium-browser google-chrome; do
    if command -v $name; then exit 0; fi
  done
fi
[ "$(uname -s) $(uname -m)" = "Linux x86_64" ] || die "no pinned build for $(uname -s) $(uname -m): install Chromium, or set CACHENET_CHROMIUM"

if [ ! -x "$dir/run" ]; then
  mkdir -p "$(dirname "$dir")"
  work=$(mktemp -d "$dir.XXXXXX"); trap 'rm -rf "$work"' EXIT
  echo "fetching @sparticuz/chromium $version" >&2
  (cd "$work" && npm pack --silent "@sparticuz/chromium@$version" >&2) || die "could not fetch it: install Node.js with npm, or Chromium"
  [ "$(sha256sum "$work"/*.tgz | cut -d' ' -f1)" = "$sum" ] || die "the package has an unknown sha256: not installed"
  tar -xzf "$work"/*.tgz -C "$work"
  unpack() { node -e 'const fs = require("fs"), z = require("zlib"); fs.createReadStream(process.argv[1]).pipe(z.createBrotliDecompress()).pipe(fs.createWriteStream(process.argv[2]))' "$1" "$2"; }
  mkdir "$work/new"
  unpack "$work/package/bin/chromium.br" "$work/new/chromium"
  for part in al2023 swiftshader fonts; do
    unpack "$work/package/bin/$part.tar.br" "$work/$part.tar"
    tar -xf "$work/$part.tar" -C "$work/new"
  done
  chmod +x "$work/new/chromium"
  # its own libraries come after those of the system
  cat > "$work/new/run" <<'END'
#!/usr/bin/env bash
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib" FONTCONFIG_PATH="${FONTCONFIG_PATH:-$here/fonts}"
exec "$here/chromium" "$@"
END
  chmod +x "$work/new/run"
  rm -rf "$dir" && mv "$work/new" "$dir"
fi
echo "$dir/run"
