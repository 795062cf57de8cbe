"""Notation, folding for export, specialists and their groups."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from cachenet_train import cost, export, groups, nets
from cachenet_train.teacher import OnnxTeacher, narrowed, narrowed_labels
from cachenet_train.train import specialised


def random_net(notation, classes=5):
    """A net whose every parameter and statistic is random, so that no folding step can hide."""
    torch.manual_seed(0)
    net = nets.build(notation, classes)
    with torch.no_grad():
        for value in [*net.body.parameters(), *net.body.buffers()]:
            if value.is_floating_point() and value.ndim == 1:
                value.uniform_(0.5, 1.5)
    return net.eval()


@pytest.mark.parametrize("notation", ["8 16/2+2 24p+1", "8/2 16p+1"])
def test_folded_net_computes_the_same(notation):
    net = random_net(notation)
    frames = torch.randint(0, 256, (3, 32, 48, 3), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(export.Served(net)(frames), net(frames), atol=1e-4, rtol=1e-4)


def test_whitened_stem_decorrelates_patches_and_stays():
    net = nets.build("16 16/2", 3)
    frames = torch.randint(0, 256, (6, 8, 8, 3), dtype=torch.uint8)
    frames = frames.repeat_interleave(4, 1).repeat_interleave(4, 2)  # neighbouring pixels are similar, as in photos
    nets.whiten(net, frames)
    stem = net.body[0][0]
    with torch.no_grad():
        answers = F.conv2d(frames.permute(0, 3, 1, 2).float() * net.scale + net.offset, stem.weight)
    answers = answers.transpose(0, 1).flatten(1)
    torch.testing.assert_close(answers[:8], -answers[8:])
    torch.testing.assert_close(answers[:8] @ answers[:8].T / answers.shape[1], torch.eye(8), atol=0.02, rtol=0)
    assert not stem.weight.requires_grad


@pytest.mark.parametrize("notation", ["", "x", "16//2", "16 32q", "16-2"])
def test_invalid_notation(notation):
    with pytest.raises(ValueError, match="net "):
        nets.build(notation, 2)


def test_written_net_is_cheap_to_describe_and_serves_as_teacher(tmp_path):
    net, frames = random_net("8 16/2"), np.zeros((4, 32, 32, 3), np.uint8)
    names = list("abcde")
    written = export.write(net, tmp_path / "n.onnx", "full", names, "n@1", frames)
    by_hand = 2 * (32 * 32 * 8 * 27 + 16 * 16 * 16 * 72 + 16 * 5) / 1e6
    assert written.mflops == pytest.approx(by_hand, abs=1e-3)
    assert 8 * 28 + 16 * 73 + 16 * 5 + 5 <= written.params <= 8 * 28 + 16 * 73 + 16 * 5 + 5 + 3
    model = onnx.load(tmp_path / "n.onnx")
    assert {"Conv", "Gemm"} <= {node.op_type for node in model.graph.node}
    assert not [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    assert model.ir_version <= 10 and model.opset_import[0].version >= 17
    teacher = OnnxTeacher(tmp_path / "n.onnx", names, (32, 32))
    with torch.no_grad():
        expected = net(torch.from_numpy(frames))
    torch.testing.assert_close(teacher(torch.from_numpy(frames)), expected, atol=1e-3, rtol=1e-3)
    adopted = export.adopt(tmp_path / "n.onnx", tmp_path / "full.onnx", names, frames, teacher)
    assert adopted.mflops == written.mflops
    got = onnxruntime.InferenceSession(str(tmp_path / "full.onnx")).run(["logits"], {"frames": frames})[0]
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-3)


@pytest.mark.parametrize("file", ["softmax.onnx", "external.onnx", "plain.onnx"])
def test_added_models_output_logits_and_are_self_contained(tmp_path, file):
    source = Path(__file__).parents[3] / "testdata" / "models" / file
    names = ["red", "green", "blue", "dark"]
    frames = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    teacher = OnnxTeacher(source, names, (8, 8))
    export.adopt(source, tmp_path / "full.onnx", names, frames, teacher)
    got = onnxruntime.InferenceSession((tmp_path / "full.onnx").read_bytes()).run(["logits"], {"frames": frames})[0]
    plain = onnxruntime.InferenceSession(str(source.with_name("plain.onnx"))).run(None, {"frames": frames})[0]
    softmax = lambda logits: torch.from_numpy(logits).softmax(1).numpy()
    np.testing.assert_allclose(softmax(got), softmax(plain), atol=1e-5)


def test_a_net_that_onnx_runtime_does_not_reproduce_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "HEAD_GAIN", 0.25)
    with pytest.raises(export.ExportError, match="differs from PyTorch"):
        export.write(random_net("8/2"), tmp_path / "n.onnx", "full", list("abcde"), "n@1", np.zeros((4, 32, 32, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_specialist_starts_as_the_small_net_and_other_as_the_rest():
    small = random_net("8/2", classes=4)
    special = specialised(small, "8/2", [3, 1]).eval()
    frames = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    with torch.no_grad():
        whole, part = small(frames), special(frames)
    torch.testing.assert_close(part[:, :2], whole[:, [3, 1]])
    torch.testing.assert_close(part[:, 2], whole[:, [0, 2]].mean(1))


def test_narrowed_teacher_keeps_probabilities():
    logits = torch.randn(6, 7, 5)
    full, part = logits.softmax(-1), narrowed(logits, [4, 0]).softmax(-1)
    torch.testing.assert_close(part[..., :2], full[..., [4, 0]])
    torch.testing.assert_close(part[..., 2], full[..., [1, 2, 3]].sum(-1))
    assert narrowed_labels(torch.arange(5), [4, 0], 5).tolist() == [1, 2, 2, 2, 0]


def test_confused_classes_share_a_group():
    blocks = np.kron(np.eye(3), np.full((4, 4), 0.2)) + 0.01
    order = np.random.default_rng(0).permutation(12)
    divided = groups.divide(blocks[np.ix_(order, order)], 3)
    assert {frozenset(order[g] // 4) for g in divided} == {frozenset({0}), frozenset({1}), frozenset({2})}


@pytest.mark.parametrize(("classes", "count"), [(2, 2), (10, 2), (48, 6), (200, 25)])
def test_every_class_is_in_one_group(classes, count):
    confused = np.random.default_rng(classes).random((classes, classes))
    divided = groups.divide(confused, groups.group_count(classes))
    assert len(divided) == count
    assert sorted(c for g in divided for c in g) == list(range(classes))


def test_cost_of_matrix_products_counts_both_factors():
    node = onnx.helper.make_node("MatMul", ["a", "b"], ["c"])
    value = lambda name, shape: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph([node], "g", [value("a", [1, 500]), value("b", [500, 1000])], [value("c", [1, 1000])])
    assert cost.mflops(onnx.helper.make_model(graph)) == 1.0


def test_cost_behind_a_computed_padding_counts(tmp_path):
    class Padded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.pad, self.conv = torch.nn.ZeroPad2d(1), torch.nn.Conv2d(3, 8, 3, bias=False)

        def forward(self, frames):
            return self.conv(self.pad(frames)).mean((2, 3))

    torch.onnx.export(Padded(), torch.zeros(1, 3, 16, 16), str(tmp_path / "n.onnx"), input_names=["x"], dynamic_axes={"x": {0: "n"}}, opset_version=17, dynamo=False)
    assert cost.mflops(onnx.load(tmp_path / "n.onnx")) == pytest.approx(2 * 16 * 16 * 8 * 27 / 1e6, abs=1e-3)


def test_groups_merge_by_mean_similarity():
    # 0-1 first; then 2 is on average closer to 3 (0.3) than to {0, 1} (0.25).
    likeness = np.zeros((4, 4))
    for a, b, value in [(0, 1, 0.9), (1, 2, 0.45), (0, 2, 0.05), (2, 3, 0.3)]:
        likeness[a, b] = likeness[b, a] = value
    assert groups.divide(likeness, 2) == [[0, 1], [2, 3]]
