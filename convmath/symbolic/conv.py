"""The rule of convolutions, grouped and depthwise ones included."""

from __future__ import annotations

from dataclasses import replace

from convmath.formula import Value, product_of, ratio
from convmath.report import Operations
from convmath.spec.conv import Conv
from convmath.spec.deformable import DeformableConv
from convmath.spec.local import LocallyConnected
from convmath.spec.transpose import ConvTranspose
from convmath.symbolic.facts import Facts, Requirement, Shape, divides, rule
from convmath.symbolic.window import cut_borders, first_map, last_map, least_sizes, mirrored, size_map


@rule(Conv)
def conv(layer: Conv, shape: Shape) -> Facts:
    """Derive K kernels over the C/g channels of their group, one bias each (PyTorch, Conv2d).

    With ``shared`` the groups have one set of K/g kernels.
    """
    facts = correlation(layer, shape)
    kernels = ratio(layer.out_channels, layer.groups) if layer.shared else layer.out_channels
    return replace(facts, params=kernels * (taps(layer, shape) + layer.bias))


def taps(layer: Conv | LocallyConnected, shape: Shape) -> Value:
    """Return how many products an output sums: ``C/g * prod(kernel)``."""
    return ratio(shape.channels, layer.groups) * product_of(layer.kernel_size)


def correlation(layer: Conv | LocallyConnected, shape: Shape) -> Facts:
    """Return all facts but the parameters of sums over windows, windows that read padding included."""
    maps = tuple(size_map(window) for window in layer.windows)
    out = shape.through(maps, layer.out_channels)
    outputs = out.elements
    return Facts(
        out=out,
        maps=maps,
        first=tuple(map(first_map, layer.windows, shape.sizes)),
        last=tuple(map(last_map, layer.windows, shape.sizes)),
        macs=outputs * taps(layer, shape),
        operations=Operations(additions=outputs * layer.bias),
        spacing=layer.dilation,
        borders=cut_borders(layer),
        mixes=layer.groups == 1,
        least=least_sizes(layer, layer.padding_mode),
        requirements=(*whole_groups(layer, shape), *mirrored(layer, layer.padding_mode, shape.sizes)),
    )


def whole_groups(
    layer: Conv | LocallyConnected | ConvTranspose | DeformableConv, shape: Shape
) -> tuple[Requirement, ...]:
    """Require that the groups divide the channels that arrive and those that leave."""
    if layer.groups == 1:
        return ()
    way_out = f"choose groups that divide both {shape.channels} and {layer.out_channels}"
    arriving = f"{layer.groups} groups do not divide the {shape.channels} channels that arrive"
    leaving = f"{layer.groups} groups do not divide out_channels {layer.out_channels}"
    return (
        divides(layer.groups, shape.channels, arriving, way_out),
        divides(layer.groups, layer.out_channels, leaving, way_out),
    )
