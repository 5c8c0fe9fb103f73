"""The rules of layers that reorder."""

from __future__ import annotations

from dataclasses import replace

from convmath.algebra import FloorMap
from convmath.formula import product_of, ratio
from convmath.spec.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle
from convmath.symbolic.facts import Facts, Shape, divides, pointwise, rule


@rule(PixelShuffle)
def pixel_shuffle(layer: PixelShuffle, shape: Shape) -> Facts:
    """Derive an image enlarged by whole factors, its pixels taken from channels (Shi et al. 2016)."""
    block = product_of(layer.upscale_factor)
    maps = tuple(FloorMap(factor, 0, 1) for factor in layer.upscale_factor)
    back = tuple(FloorMap(1, 0, factor) for factor in layer.upscale_factor)
    message = f"the {shape.channels} channels that arrive make no blocks of {block} pixels"
    return Facts(
        out=shape.through(maps, ratio(shape.channels, block)),
        maps=maps,
        first=back,
        last=back,
        picks=True,
        requirements=(divides(block, shape.channels, message, f"let a multiple of {block} channels arrive"),),
    )


@rule(PixelUnshuffle)
def pixel_unshuffle(layer: PixelUnshuffle, shape: Shape) -> Facts:
    """Derive an image smaller by whole factors, its pixels put into channels: each of these reads one of a block."""
    factors = layer.downscale_factor
    maps = tuple(FloorMap(1, 0, factor) for factor in factors)
    return Facts(
        out=shape.through(maps, shape.channels * product_of(factors)),
        maps=maps,
        first=tuple(FloorMap(factor, 0, 1) for factor in factors),
        last=tuple(FloorMap(factor, factor - 1, 1) for factor in factors),
        uneven=True,
        requirements=tuple(
            divides(
                factor,
                size,
                f"axis {axis}: {size} pixels make no blocks of {factor}",
                f"pad or crop to a multiple of {factor}",
            )
            for axis, (factor, size) in enumerate(zip(factors, shape.sizes, strict=True))
        ),
    )


@rule(ChannelShuffle)
def channel_shuffle(layer: ChannelShuffle, shape: Shape) -> Facts:
    """Derive the same channels in another order (Zhang et al. 2018)."""
    message = f"{layer.groups} groups do not divide the {shape.channels} channels that arrive"
    whole = divides(layer.groups, shape.channels, message, f"choose groups that divide {shape.channels}")
    return replace(pointwise(shape, requirements=(whole,)), minor=False)
