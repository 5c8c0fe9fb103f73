"""ONNX's operators that move elements, compute element by element, or compute with sizes."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from convmath.formula import Value, product_of
from convmath.importers import arithmetic, moves
from convmath.importers.onnx.call import Call, operator
from convmath.importers.onnx.numbers import (
    ARITHMETIC,
    MOST_NUMBERS,
    Numbers,
    cast,
    computed,
    integers,
    is_real,
    joined,
    listed,
    numbers,
    remainder,
    repeated,
    rounded,
)
from convmath.importers.onnx.tensors import REAL, type_name
from convmath.importers.tensor import CHANNELS, Constant, Tensor, Unsupported
from convmath.spec.activation import Rescaling
from convmath.spec.reshape import Dropout

MOST_PARTS = 10_000
WORDS = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Max": "max", "Min": "min", "Sum": "add"}
"""Element-wise operators by the words of ``arithmetic``."""


def _is_numbers(held: Any) -> bool:
    return isinstance(held, Numbers) or (isinstance(held, Constant) and held.values is not None)


@operator("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mod")
def elementwise(call: Call) -> Any:
    """Read arithmetic: of maps, of maps and constants, or of sizes."""
    if any(isinstance(each, Tensor) for each in call.arriving):
        if call.operator not in WORDS:
            raise Unsupported("it computes with the numbers of a map")
        return _on_maps(call, WORDS[call.operator])
    if call.operator not in ARITHMETIC or not all(map(_is_numbers, call.arriving)):
        raise Unsupported("it computes with constants only")
    found = numbers(call.arriving[0])
    for each in call.arriving[1:]:
        found = (
            remainder(found, numbers(each)) if call.get("fmod", 0) else computed(call.operator, found, numbers(each))
        )
    return found


def _on_maps(call: Call, word: str) -> Tensor:
    found: Any = call.arriving[0]
    for at, each in enumerate(call.arriving[1:]):
        last = at == len(call.arriving) - 2
        found = arithmetic.binary(
            call.sketch, call.name if last else f"{call.name}.{at}", word, _operand(found), _operand(each)
        )
    return found  # type: ignore[no-any-return]


def _operand(held: Any) -> Any:
    """Return an operand; a single size is the number that it is."""
    if isinstance(held, Numbers):
        if len(held.values) != 1:
            raise Unsupported("a map meets a list of sizes")
        return held.values[0]
    return held


@operator("Neg")
def negative(call: Call) -> Any:
    """Read a change of sign."""
    if not isinstance(call.given(0), Tensor):
        return computed("Mul", numbers(call.given(0)), Numbers((-1,), single=True))
    return call.sketch.layer(call.name, Rescaling(scale=-1.0, offset=0.0), call.x)


@operator("Pow")
def power(call: Call) -> Tensor:
    """Read a square as a product of a map with itself."""
    exponent = call.weight(1)
    if exponent.scalar != 2:
        raise Unsupported(f"there is no layer for the power of {exponent.scalar}")
    if len(exponent.shape) > len(call.x.dims):
        raise Unsupported(f"its exponent has {len(exponent.shape)} axes, more than the map {call.x}")
    return arithmetic.binary(call.sketch, call.name, "mul", call.x, call.x)


@operator("Floor", "Ceil")
def rounding(call: Call) -> Numbers:
    """Read a rounding of sizes."""
    return rounded(call.operator, numbers(call.given(0)))


@operator("Identity", "Cast", "CastLike")
def same(call: Call) -> Any:
    """Read what changes nothing, or only the type."""
    held, kind = call.given(0), call.get("to", REAL[0])
    if isinstance(held, Tensor) and kind not in REAL:
        raise Unsupported(f"it makes a map one of type {type_name(kind)}, which rounds or cuts its numbers")
    like = call.given(1)  # None for a map inside of what is written out
    if call.operator == "CastLike" and like is not None and not is_real(like):
        raise Unsupported("it makes numbers ones of the type of others that are no real numbers")
    is_cast = call.operator != "Identity" and isinstance(held, Constant | Numbers)
    return cast(held, kind) if is_cast else held


@operator("Dropout")
def dropout(call: Call) -> Tensor:
    """Read a dropout, which in use keeps everything."""
    ratio = call.get("ratio", 0.5)
    if call.given(1) is not None:
        ratio = call.weight(1).scalar
    if ratio is None:
        raise Unsupported("its ratio is no single number of the model")
    return call.sketch.layer(call.name, Dropout(p=ratio), call.x)


@operator("Constant")
def constant(call: Call) -> Constant | Numbers:
    """Read a constant."""
    if "value_int" in call.attributes:
        return Numbers((call.get("value_int"),), single=True)
    if "value_ints" in call.attributes:
        return Numbers(tuple(call.get("value_ints")))
    held = listed(call.attributes)
    if held is None:
        raise Unsupported("it holds no plain numbers")
    return held


@operator("ConstantOfShape")
def filled(call: Call) -> Constant:
    """Read equal numbers in a shape."""
    shape, held = integers(call.given(0)), call.get("value")
    if held is not None and (held.size != 1 or held.values is None):
        raise Unsupported(f"it fills a shape with {held.size} numbers rather than one")
    value = 0 if held is None else held.values[0]
    if min(shape, default=1) < 0:
        raise Unsupported(f"{list(shape)} is no shape")
    return repeated(value, shape)


@operator("Range")
def counted(call: Call) -> Numbers:
    """Read integers one after the other."""
    limits = [integers(call.given(at)) for at in range(3)]
    if any(len(each) != 1 for each in limits) or not limits[2][0]:
        raise Unsupported("it counts from no number to another one")
    [start], [stop], [step] = limits
    count = max(0, -((start - stop) // step))
    if count > MOST_NUMBERS:
        raise Unsupported(f"it makes {count} numbers")
    return Numbers(tuple(start + at * step for at in range(count)))


@operator("Shape")
def shape(call: Call) -> Numbers:
    """Read the sizes of a map or a constant."""
    held = call.given(0)
    if not isinstance(held, Tensor | Constant | Numbers):
        raise Unsupported("the shape of what arrives is unknown")
    dims: tuple[Value, ...] = held.dims if isinstance(held, Tensor) else held.shape
    return Numbers(dims[slice(call.get("start", 0), call.get("end"))], counts=True)


@operator("Size")
def size(call: Call) -> Numbers:
    """Read the number of elements."""
    return Numbers((product_of(call.x.dims),), single=True, counts=True)


@operator("Gather")
def gather(call: Call) -> Any:
    """Read one size of several, or one channel of a map."""
    held, index = call.given(0), numbers(call.given(1))
    if isinstance(held, Tensor):
        axis = call.get("axis", 0)
        [at] = integers(index) if index.single else [None]
        if at is None:
            raise Unsupported("it picks several channels or positions")
        size = held.dims[held.at(axis)]
        if isinstance(size, int) and not -size <= at < size:
            what = "channel" if held.logical(axis) == CHANNELS[0] else "position"
            raise Unsupported(f"there is no {what} {at} of {size}")
        kept = moves.slices(call.sketch, call.name, held, axis, at, at + 1 if at != -1 else None)
        return moves.squeeze(call.sketch, f"{call.name}.squeeze", kept, [axis])
    found = numbers(held)
    if found.columns:
        raise Unsupported("it picks rows or columns of sizes")
    values = found.values
    if any(not -len(values) <= at < len(values) for at in integers(index)):
        raise Unsupported(f"it picks number {index.values} of {len(values)} sizes")
    return replace(found, values=tuple(values[at] for at in integers(index)), single=index.single)


@operator("Reshape")
def reshape(call: Call) -> Any:
    """Read another shape; a 0 keeps the size of the axis."""
    held, target = call.given(0), numbers(call.given(1)).values
    if isinstance(held, Constant | Numbers):
        return held.reshaped(_filled_in(held.shape, integers(call.given(1))))
    x = call.x
    if not call.get("allowzero", 0):
        target = tuple(x.dims[at] if each == 0 and at < len(x.dims) else each for at, each in enumerate(target))
    return moves.reshape(call.sketch, call.name, x, target)


def _filled_in(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that is meant for numbers: a 0 keeps a size, -1 is what is left."""
    kept = [shape[at] if size == 0 and at < len(shape) else size for at, size in enumerate(target)]
    rest = prod(shape) // max(1, prod(size for size in kept if size > 0))
    found = tuple(rest if size == -1 else size for size in kept)
    if prod(found) != prod(shape) or min(found, default=0) < 0:
        raise Unsupported(f"{prod(shape)} numbers do not fill {list(target)}")
    return found


@operator("Flatten")
def flatten(call: Call) -> Tensor:
    """Read a matrix of samples and features."""
    x = call.x
    axis = call.get("axis", 1)
    if axis % len(x.dims) != 1:
        raise Unsupported(f"axis {axis} makes the batch part of other axes, or leaves it no axis of its own")
    return moves.flatten(call.sketch, call.name, x)


@operator("Transpose")
def transpose(call: Call) -> Any:
    """Read another order of the axes, in which nothing moves here."""
    held = call.given(0)
    if isinstance(held, Constant) and len(held.shape) > 1:
        order = tuple(call.get("perm") or range(len(held.shape))[::-1])
        if sorted(order) != [*range(len(held.shape))]:
            raise Unsupported(f"perm {list(order)} is no order of {len(held.shape)} axes")
        return held.transposed(order)
    if isinstance(held, Numbers):
        return held.transposed() if held.columns and list(call.get("perm") or [1, 0]) == [1, 0] else held
    x = call.x
    return moves.transpose(x, call.get("perm") or list(range(len(x.dims)))[::-1])


@operator("Squeeze")
def squeeze(call: Call) -> Any:
    """Read axes of size 1 left out."""
    held, axes = call.given(0), call.integers("axes", 1)
    if isinstance(held, Constant | Numbers):
        return held.reshaped(_without_ones(held.shape, axes))
    return moves.squeeze(call.sketch, call.name, call.x, axes)


def _without_ones(shape: tuple[int, ...], axes: tuple[int, ...] | None) -> tuple[int, ...]:
    rank = len(shape)
    if any(not -rank <= axis < rank or shape[axis] != 1 for axis in axes or ()):
        raise Unsupported(f"{list(axes or ())} are not axes of size 1 in {list(shape)}")
    gone = [at for at, size in enumerate(shape) if size == 1] if axes is None else [axis % rank for axis in axes]
    return tuple(size for at, size in enumerate(shape) if at not in gone)


@operator("Unsqueeze")
def unsqueeze(call: Call) -> Any:
    """Read axes of size 1 put in."""
    held, axes = call.given(0), call.integers("axes", 1) or ()
    if isinstance(held, Constant | Numbers):
        return held.reshaped(_with_ones(held.shape, axes))
    return moves.unsqueeze(call.sketch, call.name, call.x, axes)


def _with_ones(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    rank = len(shape) + len(axes)
    places, rest = {axis % rank for axis in axes if -rank <= axis < rank}, iter(shape)
    if len(places) != len(axes):
        raise Unsupported(f"{list(axes)} are not {len(axes)} different axes of {rank}")
    return tuple(1 if at in places else next(rest) for at in range(rank))


@operator("Concat")
def concat(call: Call) -> Any:
    """Read maps behind one another, or lists of sizes."""
    if any(isinstance(each, Tensor) for each in call.arriving):
        parts = [call.map(at) for at in range(len(call.arriving))]
        return moves.concat(call.sketch, call.name, parts, call.get("axis"))
    return joined(list(map(numbers, call.arriving)), call.get("axis"))


@operator("Split")
def split(call: Call) -> list[Tensor]:
    """Read a map cut into parts, equal ones unless their lengths are given."""
    x, axis = call.x, call.get("axis", 0)
    lengths: Any = call.integers("split", 1)
    if lengths is None:
        whole, count = x.dims[x.at(axis)], call.get("num_outputs", call.outputs)
        if not isinstance(whole, int) or count != call.outputs:
            raise Unsupported(f"it cuts {whole} elements into {count} parts, and has {call.outputs} outputs")
        each = -(-whole // count)
        lengths = [min(each, whole - at * each) for at in range(count)]
    return moves.split(call.sketch, call.name, x, axis, lengths)


@operator("SplitToSequence")
def sequence(call: Call) -> list[list[Tensor]]:
    """Read a map cut into parts that stay together, until ``SequenceAt`` takes one of them."""
    x, axis = call.x, call.get("axis", 0)
    whole = x.dims[x.at(axis)]
    lengths = numbers(call.given(1))
    if lengths.single:
        [each] = integers(lengths)
        if not isinstance(whole, int) or each < 1 or whole // each > MOST_PARTS:
            raise Unsupported(f"it cuts {whole} elements into parts of {each}")
        lengths = Numbers(tuple(min(each, whole - start) for start in range(0, whole, each)))
    return [moves.split(call.sketch, call.name, x, axis, lengths.values)]


@operator("SequenceAt")
def part(call: Call) -> Tensor:
    """Read one part of a sequence."""
    parts, [at] = call.given(0), integers(call.given(1))
    if not isinstance(parts, list) or not -len(parts) <= at < len(parts):
        raise Unsupported("there is no such part")
    return parts[at]  # type: ignore[no-any-return]


@operator("Slice")
def slices(call: Call) -> Any:
    """Read a part along some axes: attributes before version 10, inputs since."""
    starts, ends = (_sizes(call, word, at) for at, word in enumerate(("starts", "ends"), 1))
    held = call.given(0)
    axes = call.integers("axes", 3) or tuple(range(len(starts)))
    steps = call.integers("steps", 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Unsupported("its starts, ends, axes and steps are not one for each axis, or a step is 0")
    if not isinstance(held, Tensor):
        if len(starts) != 1:
            raise Unsupported(f"it cuts a list of sizes along {len(starts)} axes")
        [begin], [stop], [every] = (integers(Numbers(tuple(each))) for each in (starts, ends, steps))
        found = numbers(held)
        if found.columns and axes not in ((0,), (-2,)):
            raise Unsupported("it cuts columns of sizes")
        return replace(found, values=tuple(v for row in found.rows[begin:stop:every] for v in row), single=False)
    for count, (axis, start, end, step) in enumerate(zip(axes, starts, ends, steps, strict=True)):
        last = count == len(axes) - 1
        held = moves.slices(call.sketch, call.name if last else f"{call.name}.{axis}", held, axis, start, end, step)
    return held


def _sizes(call: Call, word: str, at: int) -> tuple[Value, ...]:
    return tuple(call.get(word)) if word in call.attributes else numbers(call.given(at)).values


@operator("Pad")
def pad(call: Call) -> Tensor:
    """Read elements put around; numbers other than 0 are refused."""
    x, mode = call.x, call.get("mode", "constant")
    pads = _sizes(call, "pads", 1)
    axes = call.integers("axes", 3) or tuple(range(len(x.dims)))
    value = call.get("value", 0.0)
    if call.given(2) is not None:
        value = call.weight(2).scalar
    words = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    if mode not in words or (mode == "constant" and value != 0):
        raise Unsupported(
            f"it pads with {mode if mode != 'constant' else value}; convmath pads with zeros and by modes"
        )
    if len(pads) != 2 * len(axes):
        raise Unsupported(f"{len(pads)} pads are not two for each of {len(axes)} axes")
    pairs: list[tuple[Value, Value]] = [(0, 0)] * len(x.dims)
    for at, axis in enumerate(axes):
        pairs[x.at(axis)] = (pads[at], pads[len(axes) + at])
    return moves.pad(call.sketch, call.name, x, pairs, words[mode])


@operator("ReduceMean", "ReduceMax")
def reduced(call: Call) -> Tensor:
    """Read a mean or a maximum over axes."""
    axes = call.integers("axes", 1)
    if axes is None and call.get("noop_with_empty_axes", 0):
        return call.x
    word = "mean" if call.operator == "ReduceMean" else "max"
    return arithmetic.reduced(call.sketch, call.name, call.x, word, axes, keep=bool(call.get("keepdims", 1)))
