#!/usr/bin/env bash
# Prints the path of an ffmpeg, for `cachenet produce` with videos and cameras: CACHENET_FFMPEG where it is set, else the
# one on the PATH, else one fetched into the cache folder by package name (PyPI imageio-ffmpeg: a static build, 70 MB),
# pinned and checked by sha256.
set -euo pipefail

package=imageio-ffmpeg==0.8.1
dir=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}/ffmpeg
binary=$dir/ffmpeg

die() { echo "ffmpeg: $*" >&2; exit 1; }

if [ -n "${CACHENET_FFMPEG:-}" ]; then
  [ -x "$CACHENET_FFMPEG" ] || die "CACHENET_FFMPEG: $CACHENET_FFMPEG is no program"
  echo "$CACHENET_FFMPEG"; exit 0
fi
if [ -z "${CACHENET_FETCH:-}" ] && command -v ffmpeg; then exit 0; fi

case "$(uname -s) $(uname -m)" in
  "Linux x86_64")  platform=manylinux_2_28_x86_64  sum=0d709a0bed1a43f24cd2c420878c63afea4580671b6949ad19ed124572f3bc3d ;;
  "Linux aarch64") platform=manylinux_2_28_aarch64 sum=0b0b5ac30495b4e07ce1321b8d58200f901f57782884a8b6b264c7528c2c9e77 ;;
  *) die "no pinned build for $(uname -s) $(uname -m): install ffmpeg 5.1 or newer, or set CACHENET_FFMPEG" ;;
esac

known() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$sum" ]; }

if ! known "$binary"; then
  mkdir -p "$dir"
  work=$(mktemp -d "$dir/fetch.XXXXXX"); trap 'rm -rf "$work"' EXIT
  echo "fetching $package" >&2
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --platform "$platform" -d "$work" "$package" >&2 ||
    die "could not fetch $package: install pip, or ffmpeg 5.1 or newer"
  python3 -m zipfile -e "$work"/imageio_ffmpeg-*.whl "$work/wheel"
  found=$(ls "$work"/wheel/imageio_ffmpeg/binaries/ffmpeg-*)
  known "$found" || die "$found has an unknown sha256: not installed"
  chmod +x "$found"
  mv "$found" "$binary"
fi
echo "$binary"
