"""Writes classifiers of every form that a user's own may have: the planes of ../colours over the mean colour of a frame.

All answer the classes red, green, blue and dark alike, where they are fed as their names say; gray.onnx answers dark and
bright. Run: python testdata/models/make.py   (needs onnx and numpy)
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
PLANES = 24 * np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1], [-1, -1, -1]], np.float32).T
BIAS = 24 * np.array([0, 0, 0, 0.6], np.float32)
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
U8, F32, F16 = TensorProto.UINT8, TensorProto.FLOAT, TensorProto.FLOAT16


def net(file, *, kind=U8, shape=("N", 8, 8, 3), axes=(1, 2), scale=255, mean=0, std=1, order=(0, 1, 2), last=None,
        out=F32, names=("frames", "logits"), more_outputs=(), planes=PLANES, bias=BIAS, props=None, external=False, alone=False):
    """One net: what it is fed is undone, then the planes of its mean colour."""
    weights = planes[list(order)] if len(order) == len(planes) else planes
    nodes = [
        helper.make_node("Cast", [names[0]], ["float"], to=F32),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "std"], ["spread"]),
        helper.make_node("Add", ["spread", "offset"], ["moved"]),
        helper.make_node("Div", ["moved", "scale"], ["unit"]),
        helper.make_node("Gemm", ["unit", "weights", "bias"], ["planes"]),
    ]
    values = {}
    if alone:  # fails where it is given more frames than one, though its input says that it takes any number
        nodes[:1] = [helper.make_node("Reshape", [names[0], "one"], ["framed"]), helper.make_node("Cast", ["framed"], ["float"], to=F32)]
        values["one"] = np.array([1, *shape[1:]], np.int64)
    at = "planes"
    if last:
        nodes.append(helper.make_node(last, [at], ["last"], **({"axis": -1} if last == "Softmax" else {})))
        at = "last"
    nodes.append(helper.make_node("Cast", [at], [names[1]], to=out))
    values |= {"axes": np.array(axes, np.int64), "scale": np.array(scale, np.float32),
               "std": np.broadcast_to(np.float32(std), weights.shape[0]).copy(), "offset": np.broadcast_to(np.float32(mean), weights.shape[0]).copy(),
               "weights": weights.astype(np.float32), "bias": bias.astype(np.float32)}
    batch = shape[0]
    outputs = [helper.make_tensor_value_info(names[1], out, [batch, len(bias)])]
    outputs += [helper.make_tensor_value_info(name, F32, [batch, 3]) for name in more_outputs]
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info(names[0], kind, list(shape))], outputs,
                              [numpy_helper.from_array(v, k) for k, v in values.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if props:
        helper.set_model_props(model, props)
    how = {"save_as_external_data": True, "location": file + ".data", "size_threshold": 70} if external else {}
    if external:
        (HERE / (file + ".data")).unlink(missing_ok=True)
    onnx.save(model, HERE / file, **how)


NCHW = {"shape": ("N", 3, 8, 8), "axes": (2, 3)}
net("plain.onnx")
net("nchw-normalised.onnx", kind=F32, scale=1, mean=MEAN, std=STD, names=("pixel_values", "scores"), **NCHW)
net("nhwc-half.onnx", kind=F16, scale=1, out=F16)
net("bgr.onnx", kind=F32, order=(2, 1, 0))
net("uint8-nchw.onnx", **NCHW)
net("open-size.onnx", kind=F32, scale=1, shape=("N", 3, "h", "w"), axes=(2, 3))
net("batch-1.onnx", kind=F32, scale=1, shape=(1, 3, 8, 8), axes=(2, 3))
net("softmax.onnx", last="Softmax")
net("external.onnx", external=True)
net("two-outputs.onnx", more_outputs=("unit",))
net("labelled.onnx", props={"cachenet.classes": '["red", "green", "blue", "dark"]'})
net("gray.onnx", shape=("N", 8, 8, 1), planes=np.array([[-20, 20]], np.float32), bias=np.array([10, -10], np.float32))
net("nan.onnx", last="Sqrt")
net("alone.onnx", alone=True)
