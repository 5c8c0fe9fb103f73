"""Element-wise arithmetic: of maps with maps, with learned numbers, with constants; and means over axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from convmath.formula import Formula, Value
from convmath.importers.layers import global_pool, image
from convmath.importers.moves import squeeze
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import BATCH, CHANNELS, Constant, Tensor, Unsupported
from convmath.spec.activation import Relu, Rescaling
from convmath.spec.layer import Layer
from convmath.spec.merge import Add, Divide, Maximum, Minimum, Multiply, Subtract
from convmath.spec.norm import Bias, Scale
from convmath.spec.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, ChannelAvgPool, ChannelMaxPool, MaxPool
from convmath.spec.upsample import Upsample

Operand = Tensor | Constant | int | float | Formula

MERGES: Mapping[str, type[Layer]] = {
    "add": Add,
    "sub": Subtract,
    "mul": Multiply,
    "div": Divide,
    "max": Maximum,
    "min": Minimum,
}
RESCALED: Mapping[str, Callable[[float], tuple[float, float]]] = {
    "add": lambda c: (1.0, c),
    "sub": lambda c: (1.0, -c),
    "mul": lambda c: (c, 0.0),
    "div": lambda c: (1 / c, 0.0),
}
"""What an operation with a constant behind it does to a map: its factor, and what is added."""
TURNED: Mapping[str, Callable[[float], tuple[float, float]]] = {**RESCALED, "sub": lambda c: (-1.0, c)}
"""The same with the constant before it."""


def binary(sketch: Sketch, name: str, word: str, left: Operand, right: Operand) -> Tensor:
    """Add an operation on two operands, of which one at least is a map; the other may be numbers."""
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return _merged(sketch, name, word, left, right)
    x, other, turned = (left, right, False) if isinstance(left, Tensor) else (right, left, True)
    if not isinstance(x, Tensor) or isinstance(other, Tensor):
        raise Unsupported("no map arrives")
    if isinstance(other, Constant) and len(other.shape) > len(x.axes):
        raise Unsupported(f"numbers of {list(other.shape)} meet a map of {x}")
    number = other.scalar if isinstance(other, Constant) else other
    if isinstance(number, Formula):
        raise Unsupported(f"it computes with the size {number}")
    if number is not None:
        return _rescaled(sketch, name, word, x, float(number), turned=turned)
    if not isinstance(other, Constant):
        raise Unsupported("its numbers are not in the model")
    return _per_channel(sketch, name, word, x, other, turned=turned)


def _rescaled(sketch: Sketch, name: str, word: str, x: Tensor, number: float, *, turned: bool) -> Tensor:
    if word == "max" and number == 0:
        return sketch.layer(name, Relu(), x)
    table = TURNED if turned else RESCALED
    if word not in table or (turned and word == "div") or (word == "div" and number == 0):
        before, after = (number, "map") if turned else ("map", number)
        raise Unsupported(f"there is no layer for {word}({before}, {after})")
    scale, offset = table[word](number)
    if (scale, offset) == (1.0, 0.0):
        return x
    return sketch.layer(name, Rescaling(scale=scale, offset=offset), x)


def _per_channel(sketch: Sketch, name: str, word: str, x: Tensor, other: Constant, *, turned: bool) -> Tensor:
    """Add a factor or a bias for each channel, or one factor for all; numbers for each position are refused."""
    axes = x.axes[len(x.axes) - len(other.shape) :]
    if other.size == 1 and word in ("mul", "div") and not (turned and word == "div"):
        return _scaled(sketch, name, word, x, other)
    wide = [axis for axis, size in zip(axes, other.shape, strict=True) if size != 1]
    if wide != [CHANNELS] or other.size != x.shape.channels or word not in ("add", "sub", "mul", "div"):
        raise Unsupported(f"numbers of {list(other.shape)} meet a map of {x}; they must be one for each channel")
    if word == "div" and turned:
        raise Unsupported("it divides learned numbers by a map")
    if word in ("mul", "div"):
        return _scaled(sketch, name, word, x, other)
    flat = other.arranged((other.size,), lambda array: array.reshape(-1))
    if word == "sub" and turned:
        x = sketch.layer(f"{name}.negative", Rescaling(scale=-1.0, offset=0.0), x)
    added = (
        flat if word == "add" or turned else other.arranged((other.size,), lambda array: -array.reshape(-1), " negated")
    )
    return sketch.layer(name, Bias(), x, given={"bias": added})


def _scaled(sketch: Sketch, name: str, word: str, x: Tensor, other: Constant) -> Tensor:
    """Add a product with learned numbers, or with one over them."""
    factors = other.arranged((other.size,), lambda array: array.reshape(-1))
    if word == "div":
        factors = other.arranged((other.size,), lambda array: 1 / array.reshape(-1), " inverted")
    return sketch.layer(name, Scale(single=other.size == 1 != x.shape.channels), x, given={"weight": factors})


def _merged(sketch: Sketch, name: str, word: str, left: Tensor, right: Tensor) -> Tensor:
    if left.axes != right.axes:
        raise Unsupported(f"maps of {left} and {right} meet, with axes in the orders {left.order}; {right.order}")
    if word != "mul":
        left, right = _expanded(sketch, name, left, right), _expanded(sketch, name, right, left)
    return sketch.layer(name, MERGES[word](), left, right)


def _expanded(sketch: Sketch, name: str, x: Tensor, beside: Tensor) -> Tensor:
    """Add what repeats the axes of size 1 of a map to the size of another one."""
    sizes = tuple(other if size == 1 else size for size, other in zip(x.shape.sizes, beside.shape.sizes, strict=True))
    if sizes == x.shape.sizes:
        return x
    return resize(sketch, f"{name}.expand", x, size=sizes)


def resize(
    sketch: Sketch,
    name: str,
    x: Tensor,
    *,
    size: Sequence[Value] = (),
    factor: Sequence[Value] = (),
    mode: str = "nearest",
    align_corners: bool = False,
) -> Tensor:
    """Add what enlarges a map, by factors or to a size."""
    if size and all(
        isinstance(new, int) and isinstance(old, int) and old and new % old == 0
        for new, old in zip(size, x.shape.sizes, strict=True)
    ):
        factor = tuple(new // old for new, old in zip(size, x.shape.sizes, strict=True))
        size = ()
    layer = Upsample(
        scale_factor=tuple(factor), size=tuple(size), mode=mode, align_corners=align_corners and mode != "nearest"
    )
    return sketch.layer(name, layer, x)


def reduced(sketch: Sketch, name: str, x: Tensor, word: str, axes: Sequence[int] | None, *, keep: bool) -> Tensor:
    """Add a mean or a maximum over axes: over all positions, over channels, or over some axes of space."""
    if word not in ("mean", "max"):
        raise Unsupported(f"there is no layer for the {word} over axes")
    places = list(range(1, len(x.dims))) if axes is None else sorted(x.at(axis) for axis in axes)
    over = {x.logical(axis) for axis in places}
    space = set(range(2, len(x.shape.sizes) + 2))
    if BATCH[0] in over or not over:
        raise Unsupported(f"it takes the {word} over the batch")
    if over == space:
        made = global_pool(sketch, name, x, AdaptiveAvgPool if word == "mean" else AdaptiveMaxPool)
    elif over == {CHANNELS[0]} and space:
        made = sketch.layer(name, ChannelAvgPool() if word == "mean" else ChannelMaxPool(), x)
    elif over < space:
        made = _along(sketch, name, x, word, over)
    else:
        raise Unsupported(f"it takes the {word} over the axes {sorted(over)} of a map of {x}")
    return made if keep else squeeze(sketch, f"{name}.squeeze", made, places)


def _along(sketch: Sketch, name: str, x: Tensor, word: str, over: set[int]) -> Tensor:
    """Add a pooling whose window is as long as some axes of space."""
    image(x)
    rank = len(x.shape.sizes)
    kernel = tuple(size if 2 + at in over else 1 for at, size in enumerate(x.shape.sizes))
    fields = {
        "kernel_size": kernel,
        "stride": kernel,
        "padding": ((0, 0),) * rank,
        "dilation": (1,) * rank,
        "ceil_mode": False,
    }
    layer: Layer = AvgPool(**fields, count_include_pad=True) if word == "mean" else MaxPool(**fields)  # type: ignore[arg-type]
    return sketch.layer(name, layer, x)
