"""ONNX's operators that enlarge: by factors, by pixels out of channels, by repeating."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

from convmath.formula import Value, floor_of, is_integral
from convmath.formula.signs import surely_nonnegative
from convmath.importers import arithmetic
from convmath.importers.onnx.call import Call, operator
from convmath.importers.onnx.numbers import MOST_NUMBERS, Numbers, exact, integers, numbers, repeated
from convmath.importers.tensor import BATCH_SIZE, CHANNELS, Constant, Tensor, Unsupported
from convmath.spec.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle


@operator("Resize", "Upsample")
def resize(call: Call) -> Tensor:
    """Read an enlargement: by factors, or to a size."""
    x = call.x
    mode = {"nearest": "nearest", "linear": "bilinear"}.get(call.get("mode", "nearest"))
    way = call.get("coordinate_transformation_mode", "half_pixel" if call.opset > 10 else "asymmetric")
    if mode is None or call.get("antialias", 0) or call.get("exclude_outside", 0):
        raise Unsupported(f"there is no layer for mode {call.get('mode')}, antialias {call.get('antialias', 0)}")
    if list(call.get("axes", range(len(x.dims)))) != [*range(len(x.dims))]:
        raise Unsupported(f"it enlarges the axes {call.get('axes')}; only numbers for all axes in their order are read")
    if (policy := call.get("keep_aspect_ratio_policy", "stretch")) != "stretch":
        raise Unsupported(f"there is no layer for keep_aspect_ratio_policy {policy}")
    sizes: tuple[Value, ...] = ()
    factors: tuple[Value, ...] = ()
    target = call.given(3)
    if target is not None:
        sizes = _spatial(x, numbers(target).values, x.dims)
    else:
        held = call.get("scales") or call.given(2 if call.operator == "Resize" and call.opset > 10 else 1)
        values = tuple(map(exact, held)) if isinstance(held, list) else numbers(held).values
        factors = _spatial(x, values, (1,) * len(x.dims))
        if not all(isinstance(each, Fraction) or is_integral(each) for each in factors):
            sizes, factors = _reached(x, factors), ()
        elif all(
            isinstance(old, int) and floor_of(old * f) == old for old, f in zip(x.shape.sizes, factors, strict=True)
        ):
            factors = (1,) * len(factors)  # a map whose sizes stay is copied
    _check_coordinates(call, mode, way, factors)
    if mode == "nearest" and call.opset < 11:
        _check_shrinking(x, sizes, factors)
    align = way == "align_corners"
    return arithmetic.resize(call.sketch, call.name, x, size=sizes, factor=factors, mode=mode, align_corners=align)


def _spatial(x: Tensor, values: tuple[Value, ...], kept: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the numbers of the axes of space, in their order; those of batch and channels must change nothing."""
    if len(values) != len(x.dims):
        raise Unsupported(f"{len(values)} numbers for a map of {x}")
    found: dict[int, Value] = {}
    for axis, (logical, _) in enumerate(x.axes):
        if logical > CHANNELS[0]:
            found[logical] = values[axis]
        elif values[axis] != kept[axis] and not (kept[axis] == BATCH_SIZE and isinstance(values[axis], int)):
            raise Unsupported(f"it enlarges the batch or the channels: {values[axis]}")
    return tuple(found[logical] for logical in sorted(found))


def _reached(x: Tensor, factors: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the sizes whose quotients by those of a map are its factors."""
    sizes = tuple(size * factor for size, factor in zip(x.shape.sizes, factors, strict=True))
    if not all(map(is_integral, sizes)):
        raise Unsupported(f"it enlarges by {', '.join(map(str, factors))}, which are no quotients by its sizes")
    return sizes


def _check_coordinates(call: Call, mode: str, way: str, factors: tuple[Value, ...]) -> None:
    """Refuse ways to place pixels that are not PyTorch's, for which ``upsample`` is defined."""
    whole = bool(factors) and all(isinstance(each, int) for each in factors)
    if mode == "bilinear" and way in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        return
    rounding = call.get("nearest_mode", "round_prefer_floor" if call.opset > 10 else "floor")
    if mode == "nearest" and way == "asymmetric" and rounding == "floor":
        return
    if mode == "nearest" and whole and way in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        return
    raise Unsupported(f"there is no layer for mode {mode} with {way}, {rounding}")


def _check_shrinking(x: Tensor, sizes: tuple[Value, ...], factors: tuple[Value, ...]) -> None:
    """Refuse what older versions make smaller, but by reading every second element or every third."""
    smaller = [size for size, old in zip(sizes, x.shape.sizes, strict=False) if not surely_nonnegative(size - old)]
    smaller += [factor for factor in factors if isinstance(factor, Fraction) and factor < 1 and factor.numerator > 1]
    if smaller:
        message = "before version 11 ONNX reads the element above each place, for which there is no layer"
        raise Unsupported(f"its map may become smaller ({smaller[0]}); {message}")


@operator("DepthToSpace")
def depth_to_space(call: Call) -> Tensor:
    """Read channels written as pixels; mode DCR has them in another order than a pixel shuffle."""
    x, block = call.x, call.get("blocksize")
    rank = len(x.shape.sizes)
    if call.get("mode", "DCR") == "DCR":
        x = call.sketch.layer(f"{call.name}.order", ChannelShuffle(groups=block**rank), x)
    return call.sketch.layer(call.name, PixelShuffle(upscale_factor=(block,) * rank), x)


@operator("SpaceToDepth")
def space_to_depth(call: Call) -> Tensor:
    """Read pixels written as channels, the places in a block before the channels."""
    x, block = call.x, call.get("blocksize")
    rank, channels = len(x.shape.sizes), x.shape.channels
    made = call.sketch.layer(f"{call.name}.pixels", PixelUnshuffle(downscale_factor=(block,) * rank), x)
    return call.sketch.layer(call.name, ChannelShuffle(groups=channels), made)


@operator("Expand")
def expand(call: Call) -> Any:
    """Read axes of size 1 repeated."""
    held, target = call.given(0), numbers(call.given(1)).values
    if not isinstance(held, Tensor):
        return _repeated(held, integers(call.given(1)))
    if len(target) > len(held.dims):
        raise Unsupported(f"it repeats a map of {held} to {len(target)} axes")
    wanted = (1,) * (len(held.dims) - len(target)) + tuple(target)
    wanted = call.sketch.batched(wanted) if held.dims[0] == BATCH_SIZE else wanted
    for old, new in zip(held.dims, wanted, strict=True):
        if isinstance(old, int) and isinstance(new, int) and old != new and 1 not in (old, new):
            raise Unsupported(f"it repeats an axis of {old} elements to {new}")
    dims = tuple(old if new == 1 else new for old, new in zip(held.dims, wanted, strict=True))
    if dims == held.dims:
        return held
    return arithmetic.resize(call.sketch, call.name, held, size=_spatial(held, dims, held.dims))


def _repeated(held: Any, target: tuple[int, ...]) -> Constant | Numbers:
    """Return a constant, or a single size, repeated to a shape."""
    found = numbers(held)
    shape = _broadcast(held.shape, target)
    if shape == held.shape:
        return held  # type: ignore[no-any-return]
    if isinstance(held, Constant) and held.size == 1 and held.values is not None:
        return repeated(held.values[0], shape)
    if not isinstance(held, Constant):
        if len(found.values) > 1 or prod(shape) > MOST_NUMBERS:
            raise Unsupported(f"it repeats sizes to {list(shape)}")
        return replace(found, values=found.values * prod(shape)).reshaped(shape)

    def wide(array: Any) -> Any:
        import numpy as np

        return np.broadcast_to(array, shape)

    return Constant(held.key, shape, lambda: wide(held.read()))


def _broadcast(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which both shapes are repeated; either may have fewer axes, or axes of size 1."""
    rank = max(len(one), len(two))
    pairs = list(zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(two)) + two, strict=True))
    if any(a != b and 1 not in (a, b) for a, b in pairs) or min(two, default=0) < 0:
        raise Unsupported(f"numbers of shape {list(one)} are repeated to {list(two)}, which does not fit")
    return tuple(b if a == 1 else a for a, b in pairs)
