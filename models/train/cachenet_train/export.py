"""Writes a trained net as ONNX with recorded test vectors, and checks that ONNX Runtime agrees."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .cost import mflops, parameters
from .nets import HEAD_GAIN, Net, pool

OPSET = 18
OTHER = "__other__"
TOLERANCE = 1e-3
LEAST = 1e-12
"""The smallest probability, used in place of 0 so that its logarithm is finite."""


class ExportError(Exception):
    """ONNX Runtime does not reproduce the trained net."""


@dataclass(frozen=True)
class Exported:
    """What a written net costs: MFLOP a frame (2 per multiply-add), parameters, file digest."""

    mflops: float
    params: int
    sha256: str


class Served(nn.Module):
    """The same function as a trained Net in fewer operations: normalisation scale, BatchNorm and
    head gain are folded into weights."""

    def __init__(self, net: Net):
        super().__init__()
        net = copy.deepcopy(net).cpu().float().eval()
        self.body = _fold_batch_norm(net.body)
        self.head = net.head
        first = next(m for m in self.body.modules() if isinstance(m, nn.Conv2d))
        with torch.no_grad():
            self.head.weight *= HEAD_GAIN
            # Without padding the offset folds too; with it, only subtracting keeps the zeros at the mean.
            if first.padding == (0, 0):
                first.bias += (first.weight * net.offset).sum((1, 2, 3))
            first.weight *= net.scale
        mean = None if first.padding == (0, 0) else -net.offset / net.scale
        self.register_buffer("mean", mean)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = frames.permute(0, 3, 1, 2).float()
        if self.mean is not None:
            x = x - self.mean
        return self.head(pool(self.body(x)))


def _fold_batch_norm(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        setattr(module, name, _fold_batch_norm(child))
    if isinstance(module, nn.Sequential):
        layers: list[nn.Module] = []
        for layer in module:
            if isinstance(layer, nn.BatchNorm2d):
                layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
            else:
                layers.append(layer)
        return nn.Sequential(*layers)
    return module


def write(net: Net, path: Path, role: str, names: list[str], trained: str, frames: np.ndarray) -> Exported:
    """Writes net to path, and its vectors on sample frames uint8 [4,H,W,3]; names are the outputs in order.

    Raises ExportError when ONNX Runtime differs from PyTorch by more than TOLERANCE.
    """
    sample = torch.from_numpy(frames)
    with torch.no_grad():
        expected = copy.deepcopy(net).cpu().float().eval()(sample).numpy()
    return _finish(_to_onnx(Served(net).eval(), sample), path, role, names, trained, frames, expected)


def adopt(source: Path, path: Path, names: list[str], frames: np.ndarray, teacher) -> Exported:
    """Copies a user's model to path as the full net: inputs and outputs renamed, metadata and vectors added, weights
    in external files embedded. If it outputs probabilities, their logarithm is added: a pack's nets output logits."""
    model = onnx.load(source)
    inlet, outlet = model.graph.input[0].name, model.graph.output[0].name
    expected = teacher(torch.from_numpy(frames)).numpy()
    answer = "probabilities" if teacher.probabilities else "logits"
    rename = {inlet: "frames", outlet: answer}
    for node in model.graph.node:
        node.input[:] = [rename.get(name, name) for name in node.input]
        node.output[:] = [rename.get(name, name) for name in node.output]
    if teacher.probabilities:
        least = onnx.numpy_helper.from_array(np.array(LEAST, np.float32), "cachenet_least")
        model.graph.initializer.append(least)
        model.graph.node.append(onnx.helper.make_node("Max", [answer, least.name], ["cachenet_positive"]))
        model.graph.node.append(onnx.helper.make_node("Log", ["cachenet_positive"], ["logits"]))
    model.graph.input[0].name, model.graph.output[0].name = "frames", "logits"
    return _finish(model, path, "full", names, source.stem, frames, expected, teacher.single)


def copied(source: Path, path: Path, sha256: str) -> Exported:
    """Copies a model unchanged to path; ExportError if its sha256 differs."""
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ExportError(f"copy {source}: its sha256 is not the one in its pack: import the model again")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_suffix(".vectors.json").unlink(missing_ok=True)
    model = onnx.load_model_from_string(content)
    return Exported(mflops(model), parameters(model), sha256)


def _finish(model: onnx.ModelProto, path: Path, role, names, trained, frames, expected, single=False) -> Exported:
    onnx.helper.set_model_props(
        model,
        {"cachenet.role": role, "cachenet.classes": json.dumps(names), "cachenet.trained": trained},
    )
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    _prove(path, content, frames, expected, [1] if single else [len(frames), 1])
    _save(path, content, frames, expected)
    return Exported(mflops(model), parameters(model), hashlib.sha256(content).hexdigest())


def rewritten(quantised: onnx.ModelProto, path: Path, frames: np.ndarray) -> str:
    """Replaces the net at path by its quantised form, whose vectors are its own answers to sample frames; returns the digest.

    Another runtime may round a value otherwise. So the vectors allow for as much as quantisation itself changed, at least TOLERANCE.
    """
    content = quantised.SerializeToString()
    before, after = (_logits(model, frames) for model in (path.read_bytes(), content))
    _save(path, content, frames, after, max(TOLERANCE, float(np.abs(after - before).max())))
    return hashlib.sha256(content).hexdigest()


def _save(path: Path, content: bytes, frames: np.ndarray, logits: np.ndarray, tolerance: float = TOLERANCE) -> None:
    vectors = {"frames_base64": base64.b64encode(frames.tobytes()).decode(), "logits": logits.tolist(), "tolerance": tolerance}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_suffix(".vectors.json").write_text(json.dumps(vectors))


def _logits(content: bytes, frames: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(["logits"], {"frames": frames})[0]


def _to_onnx(served: nn.Module, sample: torch.Tensor) -> onnx.ModelProto:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            served,
            (sample,),
            input_names=["frames"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    del model.graph.value_info[:], model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return model


def _prove(path: Path, content: bytes, frames: np.ndarray, expected: np.ndarray, batches: list[int]) -> None:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for count in batches:
        got = session.run(["logits"], {"frames": frames[:count]})[0]
        worst = float(np.abs(got - expected[:count]).max())
        if got.shape != expected[:count].shape or not worst <= TOLERANCE:
            raise ExportError(f"export {path}: ONNX Runtime differs from PyTorch by {worst:.2g}: not written")
