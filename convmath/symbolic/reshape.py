"""The rules of layers that move or keep data."""

from __future__ import annotations

from dataclasses import replace

from convmath.algebra import FloorMap
from convmath.formula import max_of
from convmath.report import Condition
from convmath.spec.reshape import Crop, Dropout, Flatten, Identity, Padding, Reshape, SliceChannels
from convmath.symbolic.facts import Facts, Requirement, Shape, pointwise, rule


@rule(Flatten)
def flatten(layer: Flatten, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive a vector of all elements (PyTorch, Flatten)."""
    return Facts(out=Shape(shape.elements), maps=(), first=(), last=(), view=True, minor=True)


@rule(Reshape)
def reshape(layer: Reshape, shape: Shape) -> Facts:
    """Derive the same elements in another shape, whose positions have nothing to do with those that arrive.

    So each is said to read, at most, whatever reaches the layer.
    """
    out = Shape(layer.shape[0], layer.shape[1:])
    message = f"{out} has {out.elements} elements, but {shape} = {shape.elements} arrive"
    same = Requirement(
        Condition(out.elements, "==", shape.elements), "bad-shape", message, "keep the number of elements"
    )
    return Facts(
        out=out, maps=(), first=(), last=(), view=True, whole=True, hull=False, anew=True, requirements=(same,)
    )


@rule(SliceChannels)
def slice_channels(layer: SliceChannels, shape: Shape) -> Facts:
    """Derive some of the channels."""
    start, stop = layer.channels
    some = f"[{start}, {stop}] holds no channel"
    beyond = f"[{start}, {stop}] goes beyond the {shape.channels} channels that arrive"
    return replace(
        pointwise(
            shape,
            requirements=(
                Requirement(Condition(stop, ">=", start + 1), "bad-size", some, "the second number is not included"),
                Requirement(Condition(shape.channels, ">=", stop), "bad-size", beyond, f"stop at {shape.channels}"),
            ),
        ),
        out=Shape(stop - start, shape.sizes),
        minor=False,
        picks=True,
    )


@rule(Padding)
def pad(layer: Padding, shape: Shape) -> Facts:
    """Derive a larger image (PyTorch, functional.pad).

    A mirror shows at most all elements but one, a ring at most all.
    """
    pads = layer.amount
    beyond = {"reflect": 1, "circular": 0}.get(layer.mode)
    back = tuple(FloorMap(1, -before, 1) for before, _ in pads)
    maps = tuple(FloorMap(1, before + after, 1) for before, after in pads)
    return Facts(
        out=shape.through(maps, shape.channels),
        maps=maps,
        first=back,
        last=back,
        borders=all(before == after == 0 for before, after in pads),
        least=() if beyond is None else tuple(max_of(1, a + beyond, b + beyond) for a, b in pads),
    )


@rule(Crop)
def crop(layer: Crop, shape: Shape) -> Facts:
    """Derive a smaller image (Keras, Cropping2D)."""
    maps = tuple(FloorMap(1, -before - after, 1) for before, after in layer.amount)
    back = tuple(FloorMap(1, before, 1) for before, _ in layer.amount)
    return Facts(out=shape.through(maps, shape.channels), maps=maps, first=back, last=back)


@rule(Dropout)
def dropout(layer: Dropout, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive nothing: in use it keeps everything (PyTorch, Dropout)."""
    return pointwise(shape, view=True)


@rule(Identity)
def identity(layer: Identity, shape: Shape) -> Facts:  # noqa: ARG001
    """Derive nothing."""
    return pointwise(shape, view=True)
