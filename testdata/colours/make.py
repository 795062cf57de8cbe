"""Writes the pack of this folder: nets small enough to reason about, for tests.

A frame's mean colour (r, g, b in 0..1) decides. Classes: red, green, blue, dark. The full model is sharp;
the small nets are the same planes with softer slopes, so that pale colours leave them unsure.
deadly.onnx is no part of the pack: in the place of full.onnx it ends the process (see below).
Run: python testdata/colours/make.py   (needs onnx and numpy)
"""
import hashlib, json, pathlib
import numpy as np
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
CLASSES = ["red", "green", "blue", "dark"]
PLANES = np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1], [-1, -1, -1]], np.float32).T  # [3, 4]
BIAS = np.array([0, 0, 0, 0.6], np.float32)


DEADLY = 120 + 110 + 101  # red, green and blue of a frame that ends the process, summed


def trap():
    """Nodes that make "trap" of "frames": INT_MIN / -1 where a frame is deadly, which x86 processors answer with SIGFPE; else a number."""
    nodes = [
        helper.make_node("Cast", ["frames"], ["whole"], to=TensorProto.INT32),
        helper.make_node("ReduceSum", ["whole", "all"], ["sum"], keepdims=0),
        helper.make_node("Sub", ["sum", "deadly"], ["off"]),
        helper.make_node("Abs", ["off"], ["apart"]),
        helper.make_node("ReduceMin", ["apart", "batch"], ["least"], keepdims=0),  # one number: with more, vector units divide, and do not trap
        helper.make_node("Mul", ["least", "two"], ["even"]),
        helper.make_node("Sub", ["even", "one"], ["odd"]),  # never 0, which the runtime would notice
        helper.make_node("Div", ["lowest", "odd"], ["quotient"]),
        helper.make_node("Cast", ["quotient"], ["trap"], to=TensorProto.FLOAT),
    ]
    return nodes, {"all": np.array([1, 2, 3], np.int64), "batch": np.array([0], np.int64), "deadly": np.array(DEADLY * 8 * 8, np.int32),
                   "one": np.array(1, np.int32), "two": np.array(2, np.int32), "lowest": np.array(-2**31, np.int32), "zero": np.array(0, np.float32)}


def net(path, weights, bias, deadly=False):
    n = weights.shape[1]
    nodes = [
        helper.make_node("Cast", ["frames"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "scale"], ["unit"]),
        helper.make_node("Gemm", ["unit", "weights", "bias"], ["logits"]),
    ]
    values = {"axes": np.array([1, 2], np.int64), "scale": np.array(255, np.float32),
              "weights": weights.astype(np.float32), "bias": bias.astype(np.float32)}
    if deadly:
        more, theirs = trap()
        nodes[-1].output[0] = "answer"
        nodes += more + [helper.make_node("Mul", ["trap", "zero"], ["nothing"]), helper.make_node("Add", ["answer", "nothing"], ["logits"])]
        values |= theirs
    inits = [numpy_helper.from_array(a, k) for k, a in values.items()]
    graph = helper.make_graph(nodes, path.stem,
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, ["N", 8, 8, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", n])], inits)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def entry(file, slope, classes=None):
    weights, bias = PLANES * slope, BIAS * slope
    e = {"file": file, "temperature": 1}
    if classes is not None:  # "other" is the mean of the planes left out
        rest = [c for c in range(4) if c not in classes]
        weights = np.concatenate([weights[:, classes], weights[:, rest].mean(1, keepdims=True)], 1)
        bias = np.concatenate([bias[classes], bias[rest].mean(keepdims=True)])
        e |= {"classes": classes, "other": True}
    e["sha256"] = net(HERE / file, weights, bias)
    return e


manifest = {
    "format": 1, "name": "colours", "version": "1.0.0", "classes": CLASSES, "input": {"width": 8, "height": 8},
    "full": entry("full.onnx", 24), "selector": entry("selector.onnx", 12), "small": entry("small.onnx", 6),
    "specialists": [entry("specialists/00.onnx", 6, [0, 1]), entry("specialists/01.onnx", 6, [2, 3])],
    "policy": {"kind": "window", "score": "confidence", "threshold": 0.9, "teacher": "selector",
               "alpha": 0.2, "decay": 0.8, "capacity": 1},
}
(HERE / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
net(HERE / "deadly.onnx", PLANES * 24, BIAS * 24, deadly=True)
