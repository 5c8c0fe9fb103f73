"""Arrays from files and to files: CSV, .npy, .png; weights from JSON and .npz. Nothing in a file is ever run."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmath.errors import LimitError, Problem, SpecError, UsageError, inert
from convmath.limits import Limits
from convmath.numeric.misfit import Misfit, show_shape
from convmath.numeric.weights import as_numbers
from convmath.spec.files import read_bytes

WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
DECIMAL = re.compile(r"[+-]?([0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
NAMED = re.compile(r"(?P<layer>.+)\.(?P<name>[^.]+)")
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""How to read the header of each version of NumPy's format."""
MOST_ARRAYS = 100_000
"""An archive of weights has at most so many members."""
MOST_WRITTEN = 10_000_000
"""So many numbers may be written out as text; more take less memory as .npy or .npz."""


def read_array(path: Path, rank: int, limits: Limits) -> NDArray[Any]:
    """Return the array in a file, channels first, as an input of *rank* axes asks for it.

    Raises ``UsageError`` for a file that cannot be opened, ``SpecError`` for what is no
    array of numbers and ``LimitError`` for one that is too large.
    """
    reader = _by_ending(path, INPUTS)
    array: NDArray[Any] = reader(_bytes_of(path, limits), str(path), rank, limits)
    return array


def read_weights(path: Path, limits: Limits) -> dict[str, dict[str, NDArray[Any]]]:
    """Return the arrays of all layers in a JSON file or an .npz archive, by layer and by name."""
    reader = _by_ending(path, WEIGHTS)
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for (layer, name), array in reader(_bytes_of(path, limits), str(path), limits).items():
        found.setdefault(layer, {})[name] = array
    return found


def archive(weights: Mapping[str, Mapping[str, NDArray[Any]]]) -> bytes:
    """Return the arrays of all layers as an .npz archive that ``read_weights`` reads."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED, allowZip64=True) as members:
        for layer, arrays in weights.items():
            for name in arrays:
                with members.open(f"{layer}.{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(arrays[name]), allow_pickle=False)
    return held.getvalue()


def _by_ending(path: Path, readers: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    ending = path.suffix.lower()
    if ending not in readers:
        raise UsageError(f"{inert(str(path))}: the ending must be one of {', '.join(readers)}")
    return readers[ending]


def _bytes_of(path: Path, limits: Limits) -> bytes:
    try:
        if not path.is_file():
            what = "is a directory" if path.is_dir() else "does not exist" if not path.exists() else "is no plain file"
            raise UsageError(f"{inert(str(path))} {what}")
        with path.open("rb") as file:
            raw = file.read(limits.data_bytes + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{inert(str(path))} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > limits.data_bytes:
        raise _too_large(str(path), f"the file has more than {limits.data_bytes} bytes", limits)
    return raw


def _too_large(file: str, message: str, limits: Limits) -> LimitError:
    return LimitError(Problem("too-large", message, f"{limits.flag('data_bytes')} raises the limit", file=file))


def _refusal(file: str, code: str, message: str, help: str | None = None) -> SpecError:
    return SpecError(Problem(code, message, help, file=file))


def _read_csv(raw: bytes, file: str, rank: int, limits: Limits) -> NDArray[Any]:  # noqa: ARG001
    """Read rows of numbers; an empty line begins the next channel."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(file, "bad-encoding", f"byte {error.start} is no UTF-8") from None
    if text.count(",") + text.count("\n") >= MOST_WRITTEN:
        message = f"more than {MOST_WRITTEN} numbers as text"
        raise LimitError(Problem("too-large", message, "write them as .npy", file=file))
    maps: list[list[list[int | float]]] = [[]]
    try:
        for line, row in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            cells = [cell.strip() for cell in row]
            if any(cells):
                maps[-1].append([_number(cell, file, line, column) for column, cell in enumerate(cells, 1)])
            elif maps[-1]:
                maps.append([])
    except csv.Error as error:
        raise _refusal(file, "bad-csv", str(error)) from None
    maps = [rows for rows in maps if rows]
    if not maps:
        raise _refusal(file, "not-numbers", "the file holds no numbers")
    return _of_rank(_numbers(maps, file, "the file"), rank, file)


def _number(cell: str, file: str, line: int, column: int) -> int | float:
    if WHOLE.fullmatch(cell):
        return int(cell)
    number = float(cell) if DECIMAL.fullmatch(cell) else None
    if number is None or not isfinite(number):
        shown = f"'{cell[:40]}' is no number" if cell else "an empty cell is no number"
        raise _refusal(file, "not-numbers", f"line {line}, column {column}: {shown}")
    return number


def _of_rank(array: NDArray[Any], rank: int, file: str) -> NDArray[Any]:
    """Return maps × rows × columns with as many axes as the input has; axes of size 1 in front are left out."""
    while array.ndim > rank and array.shape[0] == 1:
        array = array[0]
    if rank == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != rank:
        message = f"the file holds {show_shape(array.shape)}, but the input has {rank} axes"
        raise _refusal(file, "bad-input", message, "CSV has rows and columns; more axes need .npy")
    return array


def _numbers(held: Any, file: str, what: str) -> NDArray[Any]:
    try:
        array = as_numbers(held, what)
    except Misfit as misfit:
        raise _refusal(file, misfit.code, str(misfit)) from None
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _refusal(file, "not-numbers", f"{what} holds numbers that are not finite")
    return array


def _read_npy(raw: bytes, file: str, rank: int, limits: Limits) -> NDArray[Any]:  # noqa: ARG001
    array = _npy(raw, file, "the file")
    # One channel may be written without its axis.
    return array[None] if array.ndim == rank - 1 else array


def _npy(raw: bytes, file: str, what: str) -> NDArray[Any]:
    """Read NumPy's format without trusting its header, and without objects, which could run code."""
    stream = io.BytesIO(raw)
    try:
        shape, columns_first, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # noqa: BLE001  (a broken header fails in many ways)
        reason = "its version is unknown" if isinstance(error, KeyError) else str(error).split("\n")[0][:100]
        raise _refusal(file, "bad-npy", f"{what} is no array in NumPy's format: {reason}") from None
    if dtype.kind not in "biuf":
        raise _refusal(file, "not-numbers", f"{what} holds elements of type {dtype}, but must hold real numbers")
    body = raw[stream.tell() :]
    if any(size < 0 for size in shape) or prod(shape) * dtype.itemsize != len(body):
        message = f"{what} says it holds {show_shape(shape)} elements of {dtype.itemsize} bytes, but has {len(body)}"
        raise _refusal(file, "bad-npy", f"{message} bytes of them")
    array = np.frombuffer(body, dtype).reshape(shape, order="F" if columns_first else "C")
    return _numbers(array.astype(dtype.newbyteorder("=")), file, what)


def _read_png(raw: bytes, file: str, rank: int, limits: Limits) -> NDArray[Any]:
    """Read a picture: grey as one channel, colours as three, with transparency as four; whole numbers from 0."""
    from convmath.numeric.pictures import read_png

    array = read_png(raw, file, limits)
    if rank != 3:
        raise _refusal(file, "bad-input", f"a picture has 3 axes, {show_shape(array.shape)}; the input has {rank}")
    return array


def _read_json_weights(raw: bytes, file: str, limits: Limits) -> dict[tuple[str, str], NDArray[Any]]:
    roomy = replace(limits, spec_bytes=limits.data_bytes, nodes=max(limits.nodes, MOST_WRITTEN))
    data = read_bytes(raw, file, ".json", roomy).data
    found: dict[tuple[str, str], NDArray[Any]] = {}
    if not isinstance(data, dict):
        raise _refusal(file, "bad-weights", "this is no mapping", 'write {"conv1": {"weight": [[…]], "bias": […]}}')
    for key, held in data.items():
        parts = (
            {(key, name): each for name, each in held.items()} if isinstance(held, dict) else {_split(key, file): held}
        )
        for place, each in parts.items():
            if isinstance(each, dict):
                raise _refusal(file, "bad-weights", f"'{'.'.join(place)}' holds names, but must hold numbers")
            found[place] = _numbers(each, file, f"'{'.'.join(place)}'")
    return found


def _split(key: str, file: str) -> tuple[str, str]:
    match = NAMED.fullmatch(key)
    if match is None:
        raise _refusal(file, "bad-weights", f"'{key[:100]}' names no layer and array", "name it as in 'conv1.weight'")
    return match["layer"], match["name"]


def _read_npz(raw: bytes, file: str, limits: Limits) -> dict[tuple[str, str], NDArray[Any]]:
    found: dict[tuple[str, str], NDArray[Any]] = {}
    room = limits.data_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            if len(members) > MOST_ARRAYS:
                raise _too_large(file, f"the archive has more than {MOST_ARRAYS} members", limits)
            for member in members:
                with archive.open(member) as stream:
                    body = stream.read(room + 1)  # the size that the archive states need not be true
                room -= len(body)
                if room < 0:
                    raise _too_large(file, f"the arrays take more than {limits.data_bytes} bytes", limits)
                key = member.filename.removesuffix(".npy")
                found[_split(key, file)] = _npy(body, file, f"'{key}'")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _refusal(file, "bad-npz", f"this is no .npz archive that can be read: {error}") from None
    except (zipfile.LargeZipFile, MemoryError):
        raise _too_large(file, "the archive is too large", limits) from None
    return found


def to_csv(array: NDArray[Any]) -> str:
    """Return an array as rows of numbers, an empty line between maps; a vector as one column."""
    flat = array.reshape((-1, 1)) if array.ndim == 1 else array
    maps = flat.reshape((-1, *flat.shape[-2:]))
    lines = ("\n".join(",".join(map(str, row)) for row in rows) for rows in maps.tolist())
    return "\n\n".join(lines)


def to_npy(array: NDArray[Any]) -> bytes:
    """Return an array in NumPy's format; Raises ``UsageError`` for integers beyond 64 bits."""
    if array.dtype.kind == "O":
        raise UsageError("the result has integers beyond 64 bits, which .npy cannot hold; write .csv")
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


INPUTS = {".csv": _read_csv, ".npy": _read_npy, ".png": _read_png}
WEIGHTS = {".json": _read_json_weights, ".npz": _read_npz}
