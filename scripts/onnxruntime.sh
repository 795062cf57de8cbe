#!/usr/bin/env bash
# Puts ONNX Runtime's shared library where cachenet looks for it and prints its path.
# Taken by package name from whichever client is there (pip: 18 MB, npm: 100 MB), pinned, checked by sha256.
# CACHENET_ONNXRUNTIME, when set, wins and nothing is fetched.
set -euo pipefail

version=1.27.0
cache=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}/onnxruntime
lib=$cache/libonnxruntime.so

if [ -n "${CACHENET_ONNXRUNTIME:-}" ]; then
  [ -f "$CACHENET_ONNXRUNTIME" ] || { echo "CACHENET_ONNXRUNTIME: $CACHENET_ONNXRUNTIME: no such file" >&2; exit 1; }
  echo "$CACHENET_ONNXRUNTIME"; exit 0
fi

case "$(uname -s) $(uname -m)" in
  "Linux x86_64")  wheel=x86_64;  npmdir=x64
    sums="b5c9d4f124d24707f514dad926dc181820807178855df1c528e3addb2dd0e6f7 d8aff4aa8abee8fb2abb2f2f2459ffc94461e781e41b9f7c072829dd0d470221" ;;
  "Linux aarch64") wheel=aarch64; npmdir=arm64
    sums="9275ef52956228686ae47b0219f67476a1148505084bdc5571e7bf1bf69b11f2 c36bc200e7e6c093b8abb0b34590fbdd8c52fd3fb5e33795b9523ffdde2fce0f" ;;
  *) echo "onnxruntime: no pinned library for $(uname -s) $(uname -m): set CACHENET_ONNXRUNTIME to one of version 1.24 or newer" >&2; exit 1 ;;
esac

# known FILE: is it one of the pinned builds?
known() { [ -f "$1" ] && [[ " $sums " == *" $(sha256sum "$1" | cut -d' ' -f1) "* ]]; }

target=$cache/$version/libonnxruntime.so
if ! known "$target"; then
  mkdir -p "$cache/$version"
  work=$(mktemp -d "$cache/fetch.XXXXXX"); trap 'rm -rf "$work"' EXIT
  from_pip() {
    python3 -m pip --version >/dev/null 2>&1 || return 1
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
      --platform "manylinux_2_28_$wheel" --platform "manylinux_2_27_$wheel" -d "$work" "onnxruntime==$version" >&2 || return 1
    python3 -m zipfile -e "$work"/onnxruntime-*.whl "$work/wheel" && found=$(ls "$work"/wheel/onnxruntime/capi/libonnxruntime.so.*)
  }
  from_npm() {
    command -v npm >/dev/null || return 1
    (cd "$work" && npm pack --silent "onnxruntime-node@$version" >/dev/null) || return 1
    tar -xzf "$work"/onnxruntime-node-*.tgz -C "$work" && found=$work/package/bin/napi-v6/linux/$npmdir/libonnxruntime.so.1
  }
  echo "fetching ONNX Runtime $version" >&2
  found=
  from_pip || from_npm || { echo "onnxruntime: could not fetch version $version: install pip or npm, or set CACHENET_ONNXRUNTIME" >&2; exit 1; }
  known "$found" || { echo "onnxruntime: $found has an unknown sha256: not installed" >&2; exit 1; }
  mv "$found" "$target"
fi
ln -sfn "$version/libonnxruntime.so" "$lib"
echo "$lib"
