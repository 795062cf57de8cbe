#!/usr/bin/env bash
# Puts libjpeg-turbo's TurboJPEG library where cachenet looks for it and prints its path.
# Taken by package name from whichever client is there (npm: libjpeg-turbo 3.1.3; pip, x86_64 only: 3.0 beta), pinned,
# checked by sha256. CACHENET_LIBJPEG, when set, wins and nothing is fetched.
# Without it cachenet decodes JPEG in Go, several times slower: a failure here is only a warning.
set -euo pipefail

npm_version=3.0.1 pip_version=0.0.2
cache=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}/libjpeg
lib=$cache/libturbojpeg.so

if [ -n "${CACHENET_LIBJPEG:-}" ]; then
  [ "$CACHENET_LIBJPEG" = off ] || [ -f "$CACHENET_LIBJPEG" ] ||
    { echo "CACHENET_LIBJPEG: $CACHENET_LIBJPEG: no such file" >&2; exit 1; }
  echo "$CACHENET_LIBJPEG"; exit 0
fi

without() { echo "libjpeg: $1: JPEG frames will be decoded in Go, several times slower" >&2; exit 0; }

case "$(uname -s) $(uname -m)" in
  "Linux x86_64")  arch=x64
    sums="6facda09ef3e2308608f2b0214c040791e276305a48a27036362402f95fffcf5 4c9cc9a93fc3c14c059859d8252c093d5b9b1138854c9b4bb75d46c8b8ffd6c9" ;;
  "Linux aarch64") arch=arm64
    sums="a84dbc892b9e438c72022bc6ad892400d21ffdf5d7184928d59807371b7c86d5" ;;
  *) without "no pinned library for $(uname -s) $(uname -m); set CACHENET_LIBJPEG to a libturbojpeg of version 2.0 or newer" ;;
esac

# known FILE: is it one of the pinned builds?
known() { [ -f "$1" ] && [[ " $sums " == *" $(sha256sum "$1" | cut -d' ' -f1) "* ]]; }

if ! known "$lib"; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/fetch.XXXXXX"); trap 'rm -rf "$work"' EXIT
  from_npm() {
    command -v npm >/dev/null || return 1
    (cd "$work" && npm pack --silent "@julusian/jpeg-turbo@$npm_version" >/dev/null) || return 1
    tar -xzf "$work"/julusian-jpeg-turbo-*.tgz -C "$work" && found=$work/package/prebuilds/jpeg-turbo-linux-$arch/libturbojpeg.so.0
  }
  from_pip() {
    [ "$arch" = x64 ] && python3 -m pip --version >/dev/null 2>&1 || return 1
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 --implementation cp \
      --platform manylinux2014_x86_64 -d "$work" "turbojpeg==$pip_version" >&2 || return 1
    python3 -m zipfile -e "$work"/turbojpeg-*.whl "$work/wheel" && found=$(ls "$work"/wheel/turbojpeg.libs/libturbojpeg*.so*)
  }
  echo "fetching libjpeg-turbo" >&2
  found=
  from_npm || from_pip || without "could not be fetched; install npm or pip, or set CACHENET_LIBJPEG to a libturbojpeg of version 2.0 or newer"
  known "$found" || { echo "libjpeg: $found has an unknown sha256: not installed" >&2; exit 1; }
  mv "$found" "$lib"
fi
echo "$lib"
