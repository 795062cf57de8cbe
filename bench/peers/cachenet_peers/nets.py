"""ONNX Runtime, used directly."""

import numpy as np
import onnxruntime as ort


class Net:
    """A net of uint8 [N, height, width, 3] frames; answers in batches of at most batch frames."""

    def __init__(self, file: str, threads: int, batch: int):
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        self.session = ort.InferenceSession(file, o, providers=["CPUExecutionProvider"])
        self.batch = batch
        self.input = self.session.get_inputs()[0].name

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Logits, float32 [N, K]."""
        run, b = self.session.run, self.batch
        if len(pixels) <= b:
            return run(None, {self.input: pixels})[0]
        return np.concatenate([run(None, {self.input: pixels[i : i + b]})[0] for i in range(0, len(pixels), b)])
