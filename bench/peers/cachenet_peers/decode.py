"""JPEG to a net's input, by libjpeg-turbo."""

import cv2
import numpy as np
from simplejpeg import decode_jpeg

cv2.setNumThreads(1)

WHOLE, REDUCED = "whole", "reduced"


class Decoder:
    """Decodes frames to [height, width, 3] RGB: whole, or at the smallest scale that still covers the net's input."""

    def __init__(self, width: int, height: int, scale: str):
        self.size = (width, height)
        self.least = {"min_width": width, "min_height": height, "min_factor": 1} if scale == REDUCED else {}

    def __call__(self, jpegs: list[bytes]) -> np.ndarray:
        """uint8 [N, height, width, 3]."""
        width, height = self.size
        out = np.empty((len(jpegs), height, width, 3), np.uint8)
        for row, jpeg in zip(out, jpegs):
            image = decode_jpeg(jpeg, **self.least)
            if image.shape[:2] == (height, width):
                row[:] = image
            else:
                cv2.resize(image, self.size, dst=row, interpolation=cv2.INTER_AREA)
        return out
