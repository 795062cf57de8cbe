"""Small nets in 8-bit integers: half the time of float32 on CPUs with instructions for them (VNNI, dot products)."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from .frames import Frames

WEIGHTS = "int8"
"""What nets.json calls the weights of a quantised net."""

CALIBRATION = 2048
"""Frames that the ranges of activations are taken from, at most."""

CHECKED = 20_000
"""Held-out frames that its accuracy is measured on, at most."""

MOST_LOST = 0.01
"""Accuracy that a net may lose, as a share of the held-out frames; one that loses more stays float32."""

BATCH = 64


class _Batches(CalibrationDataReader):
    def __init__(self, frames: np.ndarray):
        self.batches = iter(np.array_split(frames, max(1, len(frames) // BATCH)))

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"frames": batch}


def quantised(model: onnx.ModelProto, frames: np.ndarray) -> onnx.ModelProto:
    """The model with int8 weights, one scale for each channel, and uint8 activations in the ranges that frames uint8 [N,H,W,3] give.

    The first convolution and the last product stay float32: they are cheap, and errors there cost the most. Weights use 7 of
    their 8 bits, since sums of two products with 8 bits overflow on x86 CPUs with AVX2 but without VNNI (ONNX Runtime, "Quantize ONNX models",
    reduce_range): there the bundled small net would give another answer to 14 % of the frames, and with 7 bits the same logits. Raises ValueError if the model is quantised already, or has no convolution in between.
    """
    model = _named(model)
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        raise ValueError("it is quantised already")
    apart = _ends(model.graph)
    if not any(node.op_type == "Conv" and node.name not in apart for node in model.graph.node):
        raise ValueError("it has no convolution after the first")
    log = logging.getLogger()
    level = log.level
    log.setLevel(logging.ERROR)  # it recommends shape inference, which is not needed here
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "int8.onnx"
            quantize_static(
                model,
                path,
                _Batches(frames),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                op_types_to_quantize=["Conv", "Relu", "Add", "MaxPool"],
                nodes_to_exclude=apart,
            )
            return onnx.load(path)
    finally:
        log.setLevel(level)


def accuracy(content: bytes, frames: Frames, labels: torch.Tensor) -> float:
    """The share of frames whose largest logit is at their label, of a net as ONNX Runtime runs it."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    right, asked = 0, spread(len(frames), CHECKED)
    for rows in asked.split(BATCH):
        logits = session.run(["logits"], {"frames": frames.pixels[rows].numpy()})[0]
        right += int((torch.from_numpy(logits).argmax(1) == labels[rows]).sum())
    return right / len(asked)


def spread(count: int, most: int) -> torch.Tensor:
    """At most so many rows of count, evenly spaced."""
    return torch.linspace(0, count - 1, min(count, most)).long()


def _named(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose nodes all have names, by which they can be left out."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for number, node in enumerate(copy.graph.node):
        node.name = node.name or f"node_{number}"
    return copy


def _ends(graph: onnx.GraphProto) -> list[str]:
    """Names of the first convolution, of the activation after it, and of the last product."""
    first = next((n for n in graph.node if n.op_type == "Conv"), None)
    after = [n.name for n in graph.node if first is not None and first.output[0] in n.input and n.op_type == "Relu"]
    products = [n.name for n in graph.node if n.op_type in ("Gemm", "MatMul")]
    return ([first.name] if first is not None else []) + after + products[-1:]
