"""Counts what an ONNX model computes, from the shapes that ONNX infers."""

from __future__ import annotations

from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime


def mflops(model: onnx.ModelProto) -> float:
    """Millions of operations (2 per multiply-add) of convolutions and matrix products for one frame.

    Shapes that cannot be inferred count as 1, so the figure is a lower bound for unusual models.
    """
    graph = onnx.shape_inference.infer_shapes(_folded(model)).graph
    shapes = {t.name: list(t.dims) for t in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        shapes[value.name] = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
    total = sum(_multiply_adds(node, shapes) for node in graph.node)
    return round(2 * total / 1e6, 3)


def parameters(model: onnx.ModelProto) -> int:
    """Number of stored weights, biases included."""
    return sum(prod(t.dims) for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without what depends on constants only: exporters compute paddings in the graph, which hides every shape behind them."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def _multiply_adds(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return 0
    outputs = prod(shapes.get(node.output[0], [1]))
    if node.op_type == "Conv":
        return outputs * prod(shapes.get(node.input[1], [1])[1:])
    if node.op_type == "MatMul":
        return outputs * (shapes.get(node.input[0]) or [1])[-1]
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return outputs * (shapes.get(node.input[0]) or [1])[0 if transposed else -1]
