"""The rule of locally connected layers."""

from __future__ import annotations

from convmath.formula import product_of, ratio
from convmath.report import Operations
from convmath.spec.local import LocallyConnected
from convmath.symbolic.conv import whole_groups
from convmath.symbolic.facts import Facts, Shape, rule
from convmath.symbolic.window import cut_borders, first_map, last_map, least_sizes, mirrored, size_map


@rule(LocallyConnected)
def locally_connected(layer: LocallyConnected, shape: Shape) -> Facts:
    """Derive a convolution's windows, with weights and a bias of their own at every position.

    Source: Keras, LocallyConnected2D.
    """
    maps = tuple(size_map(window) for window in layer.windows)
    out = shape.through(maps, layer.out_channels)
    outputs = out.elements
    taps = ratio(shape.channels, layer.groups) * product_of(layer.kernel_size)
    return Facts(
        out=out,
        maps=maps,
        first=tuple(map(first_map, layer.windows, shape.sizes)),
        last=tuple(map(last_map, layer.windows, shape.sizes)),
        params=outputs * (taps + layer.bias),
        macs=outputs * taps,
        operations=Operations(additions=outputs * layer.bias),
        borders=cut_borders(layer),
        least=least_sizes(layer, layer.padding_mode),
        requirements=(*whole_groups(layer, shape), *mirrored(layer, layer.padding_mode, shape.sizes)),
    )
