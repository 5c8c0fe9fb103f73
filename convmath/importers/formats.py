"""Which files hold models: the ones that are read, and those that are never opened, with the way out."""

from __future__ import annotations

import re

ONNX = ".onnx"
_CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

_TORCH = "export the module: torch.onnx.export(module, (example,), 'model.onnx'); or hand it to cm.from_torch"
_KERAS = "export it with Keras: model.export('model.onnx', format='onnx')"
_TENSORFLOW = "convert it with tf2onnx: python -m tf2onnx.convert"
NEVER_OPENED = {
    ".pt": _TORCH,
    ".pth": _TORCH,
    ".pt2": _TORCH,
    ".ckpt": _TORCH,
    ".safetensors": f"it holds weights and no graph; {_TORCH}",
    ".keras": _KERAS,
    ".h5": _KERAS,
    ".tflite": f"{_TENSORFLOW} --tflite model.tflite --output model.onnx",
    ".pb": f"{_TENSORFLOW} --saved-model FOLDER --output model.onnx",
}
"""Files that may run code when they are loaded, or that hold no graph, and how to make ONNX of what they hold."""

_FIRST_BYTES = frozenset(b"\x08\x12\x1a\x22\x28\x32\x3a\x42")
"""What the first field of a model can begin with, the version of the format by rights."""


def looks_like_onnx(raw: bytes) -> bool:
    """Tell whether bytes of no known ending are a model of ONNX rather than text."""
    return raw[:1] == b"\x08" or (raw[:1] != b"" and raw[0] in _FIRST_BYTES and b"\0" in raw[:4096])


def is_callable(spec: str) -> bool:
    """Tell whether a SPEC names a callable of a Python module, ``package.module:callable``; the zoo is none."""
    return _CALLABLE.fullmatch(spec) is not None and not spec.startswith("zoo:")
