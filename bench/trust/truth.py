"""Puts into the name of each frame what it shows: `truth.py FRAMES` renames <frame>.jpg to <frame>@nobody.jpg or <frame>@someone.jpg.

FRAMES has a folder for each region of a fixed camera. A frame shows someone if more than 2 % of its pixels differ from the
median picture of its region: no net takes part in it.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

SOMEONE = 0.02  # share of the pixels that differ
DIFFERENT = 30  # levels of 255


def main(root: Path) -> None:
    regions = defaultdict(list)
    for path in sorted(root.rglob("*.jpg")):
        regions[path.parent.name].append(path)
    for paths in regions.values():
        frames = np.stack([np.asarray(Image.open(p).convert("RGB").resize((64, 64), Image.Resampling.BOX)) for p in paths]).astype(np.int16)
        moved = (np.abs(frames - np.median(frames, 0)).max(3) > DIFFERENT).mean((1, 2))
        for path, share in zip(paths, moved, strict=True):
            path.rename(path.with_name(f"{path.stem.split('@')[0]}@{'someone' if share > SOMEONE else 'nobody'}.jpg"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
