"""Nets with int8 weights answer as before, on any CPU."""

import json

import numpy as np
import onnx
import pytest
import torch
from test_nets import random_net

from cachenet_train import export, quantise
from cachenet_train.catalogue import Catalogue
from cachenet_train.frames import Frames

NAMES = list("abcde")


def frames_of(count, labels=None):
    pixels = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (count, 32, 32, 3), np.uint8))
    return Frames(pixels, torch.zeros(count, dtype=torch.long) if labels is None else labels, [str(i) for i in range(count)], "key")


@pytest.fixture
def written(tmp_path):
    export.write(random_net("8/2 16/2+1 24/2+1"), tmp_path / "small.onnx", "small", NAMES, "n@1", frames_of(4).pixels.numpy())
    return tmp_path / "small.onnx"


def test_logits_stay_near_those_of_the_float_net(written):
    frames = frames_of(200).pixels.numpy()
    model = onnx.load(written)
    small = quantise.quantised(model, frames)
    before, after = (export._logits(m.SerializeToString(), frames) for m in (model, small))
    assert np.sqrt(np.mean((after - before) ** 2)) < 0.1 * before.std()
    assert not np.array_equal(before, after)
    assert [p for p in small.metadata_props if p.key == "cachenet.role"]


def test_the_ends_stay_float_and_weights_use_seven_bits(written):
    small = quantise.quantised(onnx.load(written), frames_of(64).pixels.numpy())
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in small.graph.initializer}
    integers = [w for w in weights.values() if w.dtype == np.int8 and w.ndim == 4]
    assert len(integers) == 4  # the stem is the fifth convolution
    assert max(int(np.abs(w.astype(int)).max()) for w in integers) <= 64
    assert not any(n.op_type == "Relu" for n in small.graph.node if n.input[0] not in _made_by(small, "Conv"))
    gemm = next(n for n in small.graph.node if n.op_type == "Gemm")
    assert weights[gemm.input[1]].dtype == np.float32


def _made_by(model, op):
    return {o for n in model.graph.node if n.op_type == op for o in n.output}


def test_a_net_without_inner_convolutions_stays(tmp_path):
    export.write(random_net("8/2"), tmp_path / "n.onnx", "small", NAMES, "n@1", frames_of(4).pixels.numpy())
    with pytest.raises(ValueError, match="no convolution after the first"):
        quantise.quantised(onnx.load(tmp_path / "n.onnx"), frames_of(8).pixels.numpy())


def catalogue(written, labels):
    val = frames_of(400, labels)
    entry = {"file": "small.onnx", "role": "small", "classes": list(range(5)), "other": False, "sha256": "before", "val_accuracy": 1.0}
    return Catalogue(written.parent, "n", NAMES, (32, 32), 1, val.pixels[:4].numpy(), [], [entry]), val


def test_a_net_that_loses_too_much_stays_float(written, monkeypatch):
    labels = torch.from_numpy(export._logits(written.read_bytes(), frames_of(400).pixels.numpy()).argmax(1))
    before, said = written.read_bytes(), []
    ours, val = catalogue(written, labels)
    coarse = lambda model, frames: _noisy(model)
    monkeypatch.setattr(quantise, "quantised", coarse)
    ours.quantise(frames_of(64), val, said.append)
    assert written.read_bytes() == before and ours.nets[0]["sha256"] == "before"
    assert len(said) == 1 and "small.onnx stays float32" in said[0] and "instead of 100.00%" in said[0]


def _noisy(model):
    """The model with its head at random."""
    head = next(n for n in model.graph.node if n.op_type == "Gemm").input[1]
    for tensor in model.graph.initializer:
        if tensor.name == head:
            noise = np.random.default_rng(0).normal(size=onnx.numpy_helper.to_array(tensor).shape).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(noise, head))
    return model


def test_vectors_are_of_the_int8_net_and_allow_for_other_rounding(written):
    labels = torch.from_numpy(export._logits(written.read_bytes(), frames_of(400).pixels.numpy()).argmax(1))
    ours, val = catalogue(written, labels)
    before = export._logits(written.read_bytes(), ours.samples)
    ours.quantise(frames_of(64), val, pytest.fail)
    vectors = json.loads(written.with_suffix(".vectors.json").read_text())
    after = export._logits(written.read_bytes(), ours.samples)
    np.testing.assert_allclose(vectors["logits"], after)
    assert vectors["tolerance"] == pytest.approx(max(export.TOLERANCE, np.abs(after - before).max()))
