"""The rule of locally connected layers."""

from __future__ import annotations

from dataclasses import replace

from convmath.spec.local import LocallyConnected
from convmath.symbolic.conv import correlation, taps
from convmath.symbolic.facts import Facts, Shape, rule


@rule(LocallyConnected)
def locally_connected(layer: LocallyConnected, shape: Shape) -> Facts:
    """Derive a convolution's windows, with weights and a bias of their own at every position.

    Source: Keras, LocallyConnected2D.
    """
    facts = correlation(layer, shape)
    return replace(facts, params=facts.out.elements * (taps(layer, shape) + layer.bias))
