"""Reading ONNX files: the graph as it stands, checked, and its tensors for those who ask.

Nothing here runs a graph, infers a shape, or opens another file than the one that it is
given. A model of any size is read in the time that its graph takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmath.errors import LimitError, Problem, SpecError, UnsupportedError, UsageError, inert
from convmath.formula import Value, symbol
from convmath.importers.names import LayerNames, SizeNames, shown
from convmath.importers.onnx.order import in_order
from convmath.importers.onnx.tensors import Stamp, Tensors
from convmath.importers.onnx.wire import Walk
from convmath.importers.sketch import MOST_SIZE
from convmath.limits import DEFAULT, Limits
from convmath.spec.graph import Input

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

OLDEST = 7
"""The first version of ONNX's operators that is read; the ones before it broadcast in other ways."""
DOMAINS = ("", "ai.onnx")
"""How the standard operators' domain is written."""
POINTER = b"version https://git-lfs"


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A graph of ONNX, checked and in order, without its large tensors.

    ``inputs`` and ``outputs`` go by the names that the graph knows them by; an ``Input``
    has a name that can be shown, and a shape without the batch, which is axis 0. Names of
    everything else are as in the file: hostile text, for ``LayerNames`` to make fit.
    """

    file: str
    model: ModelProto
    opset: int
    nodes: tuple[NodeProto, ...]
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    initializers: Mapping[str, TensorProto]
    labels: Mapping[str, str]
    """What the file says of the sizes that have got a symbol of ours; empty text where it says nothing."""
    tensors: Tensors

    @property
    def graph(self) -> GraphProto:
        """The graph as the parser gives it."""
        return self.model.graph

    @property
    def batch(self) -> int:
        """How many samples all inputs hold; 1 where that is open, or they differ."""
        first = [each.type.tensor_type.shape.dim for each in self.graph.input if each.name in self.inputs]
        [held, *others] = {dims[0].dim_value if dims else 0 for dims in first}
        return held if held > 1 and not others else 1

    @cached_property
    def constants(self) -> Mapping[str, tuple[int | float, ...]]:
        """The elements of all small initializers, in row-major order, as plain numbers."""
        here = [each for each in self.initializers.values() if not each.HasField("segment")]
        return {each.name: self.tensors.numbers(each) for each in here if self.tensors.readable(each)}

    def array(self, name: str) -> NDArray[Any]:
        """Return an initializer as an array, read from the file when asked; Raises ``KeyError`` for an unknown name."""
        return self.tensors.array(self.initializers[name])


def read_onnx(source: str | Path | bytes, *, file: str = "<bytes>", limits: Limits = DEFAULT) -> OnnxFile:
    """Read a model from a file, or from bytes, which errors call *file*.

    Raises ``UsageError`` where there is no such file, ``SpecError`` where it is no model or
    its graph is faulty, ``LimitError`` for what is too large, ``UnsupportedError`` where
    the extra is missing or the version unknown.
    """
    onnx_module()
    if isinstance(source, bytes):
        _check_size(len(source), file, limits)
        return _read(Walk(source, file, limits), source, None)
    path = Path(source)
    with _mapped(path, limits) as (mapped, stamp):
        return _read(Walk(mapped, str(path), limits), path.absolute(), stamp)


@contextmanager
def _mapped(path: Path, limits: Limits) -> Iterator[tuple[mmap, Stamp]]:
    """Give the bytes of a file, of which only those that are looked at are read."""
    with ExitStack() as opened:
        try:
            if not path.is_file():
                what = (
                    "is a directory" if path.is_dir() else "does not exist" if not path.exists() else "is no plain file"
                )
                raise UsageError(f"{inert(str(path))} {what}")
            file = opened.enter_context(path.open("rb"))
            stamp = Stamp.of(file.fileno())
            _check_size(stamp.size, str(path), limits)
            if not stamp.size:
                raise _refusal(str(path), "bad-onnx", "the file is empty")
            mapped = opened.enter_context(mmap(file.fileno(), 0, access=ACCESS_READ))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(f"{inert(str(path))} cannot be read: {reason}") from None
        yield mapped, stamp


def onnx_module() -> Any:
    """Return the package of ONNX; Raises ``UnsupportedError`` where it is not installed."""
    try:
        import onnx
    except ImportError:
        raise UnsupportedError("ONNX files need the extra 'onnx': pip install 'convmath[onnx]'") from None
    return onnx


def _read(walk: Walk, source: bytes | Path, stamp: Stamp | None) -> OnnxFile:
    onnx = onnx_module()
    from google.protobuf.message import DecodeError

    if walk.data[: len(POINTER)] == POINTER:
        message = "this is a pointer of Git LFS, not the model itself"
        raise _refusal(walk.file, "bad-onnx", message, "fetch the model: git lfs pull")
    slim = walk.slim()
    try:
        model = onnx.ModelProto.FromString(slim)
    except DecodeError as error:
        raise _refusal(walk.file, "bad-onnx", f"this is no ONNX model, or a damaged one: {error}") from None
    tensors = Tensors(walk.file, source, stamp, tuple(walk.spans))
    opset = _opset(model, walk.file)
    return _checked(model, opset, tensors, walk.limits)


def _checked(model: ModelProto, opset: int, tensors: Tensors, limits: Limits) -> OnnxFile:
    graph, file = model.graph, tensors.file
    if not graph.node:
        raise _refusal(file, "no-layers", "the graph has no nodes")
    if graph.sparse_initializer:
        raise UnsupportedError(f"{inert(file)}: the graph has sparse initializers, which convmath does not read")
    initializers: dict[str, TensorProto] = {}
    for each in graph.initializer:
        tensors.check(each)
        if initializers.setdefault(each.name, each) is not each:
            raise _refusal(file, "made-twice", f"the initializer '{shown(each.name)}' stands there twice")
    # Before version 4 of the format every initializer had to be an input as well.
    given = {each.name: each for each in graph.input if each.name not in initializers}
    if not given:
        raise _refusal(file, "no-inputs", "the graph has no inputs: all that goes in is a constant")
    if len(given) + sum(each.name in initializers for each in graph.input) < len(graph.input):
        raise _refusal(file, "made-twice", "two inputs of the graph have the same name")
    if not graph.output:
        raise _refusal(file, "no-outputs", "the graph returns nothing")
    nodes = in_order(graph, {*given, *initializers}, file)
    for node in nodes:
        for attribute in node.attribute:
            for each in (attribute.t, *attribute.tensors) if attribute.HasField("t") else attribute.tensors:
                tensors.check(each)
    inputs, labels = _inputs(given, limits, file)
    outputs = tuple(each.name for each in graph.output)
    return OnnxFile(file, model, opset, nodes, inputs, outputs, initializers, labels, tensors)


def _opset(model: ModelProto, file: str) -> int:
    """Return the version of the standard operators; an operator of another domain is refused where it stands."""
    versions = {each.version for each in model.opset_import if each.domain in DOMAINS}
    if len(versions) != 1:
        what = "two versions" if versions else "no version"
        raise _refusal(file, "bad-opset", f"the model names {what} of the domain ai.onnx")
    newest = onnx_module().defs.onnx_opset_version()
    (found,) = versions
    if not OLDEST <= found <= newest:
        message = f"the model uses version {found} of ONNX's operators; convmath reads {OLDEST} to {newest}"
        help_ = "convert it with onnx.version_converter" if found < OLDEST else "install a newer onnx, or export anew"
        raise UnsupportedError(f"{inert(file)}: {message}\n  = help: {help_}")
    return int(found)


def _inputs(given: Mapping[str, ValueInfoProto], limits: Limits, file: str) -> tuple[dict[str, Input], dict[str, str]]:
    shapes = {name: _dims(info, file) for name, info in given.items()}
    texts = (size for dims in shapes.values() for size in dims[1:] if isinstance(size, str))
    sizes, names = SizeNames.of(texts, limits, file), LayerNames()
    found: dict[str, Input] = {}
    for name, dims in shapes.items():
        rank = len(dims) - 2
        shape: tuple[Value, ...] = tuple(
            size if isinstance(size, int) else symbol(sizes.take(size, axis, rank))
            for axis, size in enumerate(dims[1:])
        )
        found[name] = Input(names.take(name, "input"), shape)
    return found, sizes.labels


def _dims(info: ValueInfoProto, file: str) -> list[int | str]:
    """Return the sizes of an input as they stand in the file, the batch first; empty text for one that does not."""
    if not info.type.HasField("tensor_type") or not info.type.tensor_type.HasField("shape"):
        message = f"the input '{shown(info.name)}' has no shape"
        raise _refusal(file, "no-shape", message, "export it with the number of its axes, and its channels")
    found: list[int | str] = []
    for axis, each in enumerate(info.type.tensor_type.shape.dim):
        size = each.dim_value
        # Some exporters write -1 for what they do not know.
        if not each.HasField("dim_value") or size == -1:
            found.append(each.dim_param)
        elif axis and not 0 < size < MOST_SIZE:
            message = f"axis {axis} of the input '{shown(info.name)}' has the size {size}"
            raise _refusal(file, "bad-size", message, "a size is 1 or more, of at most 18 digits, or free")
        else:
            found.append(size)
    return found


def _check_size(size: int, file: str, limits: Limits) -> None:
    if size > limits.onnx_bytes:
        message = f"the file has more than {limits.onnx_bytes} bytes"
        help_ = f"{limits.flag('onnx_bytes')} raises the limit"
        raise LimitError(Problem("too-large", message, help_, file=file))


def _refusal(file: str, code: str, message: str, help: str | None = None) -> SpecError:
    return SpecError(Problem(code, message, help, file=file))
