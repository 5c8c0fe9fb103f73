"""Pictures in and out, by Pillow (the extra ``image``)."""

from __future__ import annotations

import io
import warnings
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmath.errors import LimitError, Problem, SpecError, UnsupportedError, UsageError
from convmath.limits import Limits
from convmath.numeric.misfit import show_shape

WHITE = 255
BYTES = 8
"""Bytes of a pixel's number, once it is read."""
MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB", "RGBA": "RGBA", "LA": "RGBA", "PA": "RGBA"}
"""What each kind of picture is read as; sixteen bits of grey stay as they are."""


def pillow() -> ModuleType:
    """Return Pillow's module; Raises ``UnsupportedError`` where it is not installed."""
    try:
        from PIL import Image
    except ImportError:
        raise UnsupportedError("pictures need the extra 'image': pip install 'convmath[image]'") from None
    return Image


def read_png(raw: bytes, file: str, limits: Limits) -> NDArray[Any]:
    """Return the channels of a picture, 0 to 255, or 0 to 65535 for sixteen bits of grey."""
    image = pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with image.open(io.BytesIO(raw), formats=("PNG",)) as picture:
                _check_size(picture.height, picture.width, file, limits)
                mode = MODES.get(picture.mode)
                pixels = np.array(picture.convert(mode) if mode else picture)
    except (SpecError, UnsupportedError):
        raise
    except image.DecompressionBombError:
        raise _too_large("the picture has too many pixels", file, limits) from None
    except Exception as error:  # noqa: BLE001  (a broken picture fails in many ways)
        reason = str(error).split("\n")[0][:100]
        raise SpecError(Problem("bad-png", f"this is no PNG that can be read: {reason}", file=file)) from None
    channels = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    return channels.astype(np.int64)


def _check_size(height: int, width: int, file: str, limits: Limits) -> None:
    """Refuse a picture by its header, before its pixels are unpacked."""
    if height * width * BYTES > limits.data_bytes:
        raise _too_large(f"{height} × {width} pixels take more than {limits.data_bytes} bytes", file, limits)


def _too_large(message: str, file: str, limits: Limits) -> LimitError:
    return LimitError(Problem("too-large", message, f"{limits.flag('data_bytes')} raises the limit", file=file))


def to_png(array: NDArray[Any]) -> tuple[bytes, bool]:
    """Return one map as grey, or three as colours, and whether the numbers had to be scaled.

    Whole numbers from 0 to 255 are written as they are. All others are scaled, so that
    the least is black and the greatest white.
    """
    image = pillow()
    maps = array[None] if array.ndim == 2 else array
    if maps.ndim != 3 or maps.shape[0] not in (1, 3):
        message = f"a picture has one map or three, but the result is {show_shape(array.shape)}"
        raise UsageError(f"{message}; write .csv or .npy")
    numbers = maps.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    scaled = low < 0 or high > WHITE or bool((numbers != np.floor(numbers)).any())
    if scaled:
        numbers = np.rint((numbers - low) * (WHITE / (high - low) if high > low else 0))
    pixels = numbers.astype(np.uint8)
    stream = io.BytesIO()
    image.fromarray(pixels[0] if pixels.shape[0] == 1 else np.moveaxis(pixels, 0, -1)).save(stream, format="PNG")
    return stream.getvalue(), scaled
