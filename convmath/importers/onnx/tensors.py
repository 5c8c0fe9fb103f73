"""The elements of a file's tensors: small ones as plain numbers, large ones as arrays, read when somebody asks."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmath.errors import Problem, SpecError, UnsupportedError, inert
from convmath.importers.names import shown
from convmath.importers.onnx.wire import SMALL, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import TensorProto

BFLOAT16, FLOAT16 = 16, 10
EXTERNAL = 1
REAL = (1, FLOAT16, 11, BFLOAT16)
"""The types of real numbers."""
CODES = {
    1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "B", FLOAT16: "e", 11: "d", 12: "I", 13: "Q",
    BFLOAT16: "H",
}  # fmt: skip
"""How ``struct`` and NumPy call each type of data, in little-endian order; a truth is a byte, a bfloat16 its bits."""
BOOL = 9
FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}
"""The field that holds elements where they are not raw; ``int32_data`` for all others."""
MOST_ELEMENTS, MOST_AXES = 1 << 62, 32


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells that a file is still the one that was read."""

    device: int
    inode: int
    size: int
    changed: int

    @classmethod
    def of(cls, descriptor: int) -> Stamp:
        """Return the stamp of an open file."""
        found = os.fstat(descriptor)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True, repr=False)
class Tensors:
    """Access to the elements of one file's tensors; it holds none of them itself.

    ``source`` is the file's bytes, or its path, and then ``stamp`` the file it must still be.
    """

    file: str
    source: bytes | Path
    stamp: Stamp | None
    spans: tuple[Span, ...]

    def numbers(self, tensor: TensorProto) -> tuple[int | float, ...]:
        """Return the elements of a small tensor, in row-major order, as plain numbers.

        Raises ``SpecError`` where there are more or fewer than its dims say, or where they
        are not in the file, ``UnsupportedError`` for types that are no numbers.
        """
        self._check_here(tensor)
        if tensor.HasField("segment"):
            message = f"takes more than {SMALL} bytes, too much for numbers that would steer a graph"
            raise self.refuse(tensor, message)
        code = self._code(tensor)
        raw = tensor.raw_data if tensor.HasField("raw_data") else _packed(tensor, code)
        width = struct.calcsize(code)
        if len(raw) != prod(tensor.dims) * width:
            raise self._wrong_size(tensor, len(raw), width)
        if tensor.data_type == BFLOAT16:  # the upper half of a float32
            raw = b"".join(b"\0\0" + raw[at : at + 2] for at in range(0, len(raw), 2))
            code = "f"
        return struct.unpack(f"<{prod(tensor.dims)}{code}", raw)

    def readable(self, tensor: TensorProto) -> bool:
        """Tell whether the elements of a tensor are numbers that stand in the file."""
        return tensor.data_location != EXTERNAL and tensor.data_type in CODES

    def array(self, tensor: TensorProto) -> NDArray[Any]:
        """Return a tensor as an array of its own, read from the file; a bfloat16 becomes a float32.

        Raises ``SpecError`` as ``numbers``, and where the file has changed since it was read.
        """
        import numpy as np

        self._check_here(tensor)
        code = self._code(tensor)
        kind = np.dtype(f"<{code}")
        span = self.spans[tensor.segment.begin] if tensor.HasField("segment") else None
        if span is not None and span.raw is not None:
            self.check(tensor)
            start, stop = span.raw
            flat = np.frombuffer(self._read(start, stop), kind)
        else:
            whole = tensor if span is None else type(tensor).FromString(self._read(span.start, span.stop))
            if whole.HasField("raw_data"):
                raw: Any = whole.raw_data
            elif whole.data_type == FLOAT16:
                raw = np.fromiter(_bits(whole), np.uint16)
            else:
                raw = np.fromiter(_elements(whole), kind)
            found = len(raw) if isinstance(raw, bytes) else raw.nbytes
            if found != prod(tensor.dims) * kind.itemsize:
                raise self._wrong_size(tensor, found, kind.itemsize)
            flat = np.frombuffer(raw, kind)
        if tensor.data_type == BFLOAT16:
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        elif tensor.data_type == BOOL:
            flat = flat != 0
        return flat.reshape(tuple(tensor.dims))

    def check(self, tensor: TensorProto) -> None:
        """Refuse dims that no tensor can have, or that do not go with the elements in the file.

        Nothing is read for this.
        """
        dims = tuple(tensor.dims)
        if len(dims) > MOST_AXES or any(size < 0 for size in dims) or prod(dims) >= MOST_ELEMENTS:
            shown = ", ".join(map(str, dims[:8])) + (", …" if len(dims) > 8 else "")
            raise self.refuse(tensor, f"has the dims [{shown}], which no tensor can have")
        if tensor.data_location == EXTERNAL:
            return
        span = self.spans[tensor.segment.begin] if tensor.HasField("segment") else None
        whole, width = prod(dims), struct.calcsize(CODES.get(tensor.data_type, "B"))
        if tensor.data_type not in CODES:  # two elements of some types share a byte
            length = tensor.ByteSize() if span is None else span.stop - span.start
            fits = whole <= 2 * length
        elif span is None:
            length = len(tensor.raw_data) if tensor.HasField("raw_data") else len(_typed(tensor)) * width
            fits = length == whole * width
        else:
            length = span.held
            fits = length == whole * width if _is_exact(tensor, span) else whole <= length
        if not fits:
            raise self._wrong_size(tensor, length, width)

    def refuse(self, tensor: TensorProto, message: str, help: str | None = None) -> SpecError:
        """Return the error for a tensor."""
        what = f"the tensor '{shown(tensor.name)}' {message}"
        return SpecError(Problem("bad-tensor", what, help, file=self.file))

    def _wrong_size(self, tensor: TensorProto, length: int, width: int) -> SpecError:
        shape = " × ".join(map(str, tensor.dims)) or "1"
        message = f"has the dims {shape}, {prod(tensor.dims) * width} bytes in all, but {length} bytes of elements"
        return self.refuse(tensor, message)

    def _check_here(self, tensor: TensorProto) -> None:
        if tensor.data_location == EXTERNAL:
            message = "has its elements in another file; convmath reads the file that it is given, and no other"
            help_ = "put all into one: onnx.save(onnx.load('model.onnx'), 'whole.onnx', save_as_external_data=False)"
            raise self.refuse(tensor, message, help_)

    def _code(self, tensor: TensorProto) -> str:
        if tensor.data_type not in CODES:
            name = type_name(tensor.data_type)
            message = f"the tensor '{shown(tensor.name)}' is of type {name}, which convmath does not read"
            raise UnsupportedError(f"{inert(self.file)}: {message}")
        return CODES[tensor.data_type]

    def _read(self, start: int, stop: int) -> bytes | bytearray:
        if isinstance(self.source, bytes):
            return self.source[start:stop]
        found = bytearray(stop - start)
        try:
            with self.source.open("rb") as file:
                if Stamp.of(file.fileno()) == self.stamp:
                    file.seek(start)
                    if file.readinto(found) == len(found):
                        return found
        except OSError as error:
            message = f"the file can no longer be read: {error.strerror}"
            raise SpecError(Problem("file-changed", message, file=self.file)) from None
        message = "the file has changed since it was read"
        raise SpecError(Problem("file-changed", message, "read it again", file=self.file))


def type_name(number: int) -> str:
    """Return how ONNX calls a type of data."""
    from onnx import TensorProto

    try:
        return str(TensorProto.DataType.Name(number))
    except ValueError:
        return f"number {number}"


def _is_exact(tensor: TensorProto, span: Span) -> bool:
    """Tell whether elements in the file have one width each, as all have but integers that are not raw."""
    return span.raw is not None or FIELDS.get(tensor.data_type) in ("float_data", "double_data")


def _bits(tensor: TensorProto) -> list[int]:
    """Return what ``int32_data`` holds of two-byte floats: their bits, each in a number of its own."""
    return [each & 0xFFFF for each in tensor.int32_data]


def _typed(tensor: TensorProto) -> Any:
    return getattr(tensor, FIELDS.get(tensor.data_type, "int32_data"))


def _elements(tensor: TensorProto) -> Any:
    found = _typed(tensor)
    bits = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF}.get(CODES[tensor.data_type])
    return found if bits is None else (each & bits for each in found)


def _packed(tensor: TensorProto, code: str) -> bytes:
    """Return elements of a typed field as raw ones."""
    if tensor.data_type == FLOAT16:
        found = _bits(tensor)
        return struct.pack(f"<{len(found)}H", *found)
    numbers = list(_elements(tensor))
    try:
        return struct.pack(f"<{len(numbers)}{code}", *numbers)
    except struct.error:  # a number of int32_data that is none of the narrower type
        low, high = -(1 << 8 * struct.calcsize(code) - 1), 1 << 8 * struct.calcsize(code)
        return struct.pack(f"<{len(numbers)}{code}", *((each - low) % high + low for each in numbers))
