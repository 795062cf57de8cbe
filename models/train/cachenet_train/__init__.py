"""Trains the nets of a CacheNet pack from an image folder and writes them as ONNX."""

__version__ = "0.1.0"
