"""JPEG to a net's input, by libjpeg-turbo."""

import cv2
import numpy as np
from simplejpeg import decode_jpeg

cv2.setNumThreads(1)

WHOLE, REDUCED = "whole", "reduced"


class Decoder:
    """Decodes frames to [height, width, 3] RGB: whole, or at the smallest scale that still covers the net's input."""

    def __init__(self, width: int, height: int, resize: str, scale: str):
        if resize not in ("stretch", "crop"):
            raise ValueError(f"resize {resize}: this port supports stretch and crop")
        self.size, self.crop = (width, height), resize == "crop"
        self.least = {"min_width": width, "min_height": height, "min_factor": 1} if scale == REDUCED else {}

    def __call__(self, jpegs: list[bytes]) -> np.ndarray:
        """uint8 [N, height, width, 3]."""
        width, height = self.size
        out = np.empty((len(jpegs), height, width, 3), np.uint8)
        for row, jpeg in zip(out, jpegs):
            image = decode_jpeg(jpeg, **self.least)
            if self.crop:
                image = middle(image, width / height)
            if image.shape[:2] == (height, width):
                row[:] = image
            else:
                cv2.resize(image, self.size, dst=row, interpolation=cv2.INTER_AREA)
        return out


def middle(image: np.ndarray, shape: float) -> np.ndarray:
    """The largest centred part whose width is shape times its height."""
    height, width = image.shape[:2]
    w, h = min(width, round(height * shape)), min(height, round(width / shape))
    x, y = (width - w) // 2, (height - h) // 2
    return image[y : y + h, x : x + w]
