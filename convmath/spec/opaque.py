"""A layer that convmath does not know: the user declares what it does to sizes, counts and fields."""

from __future__ import annotations

from dataclasses import dataclass

from convmath.formula import Value
from convmath.spec.fields import per_axis, reach, size, sizes
from convmath.spec.layer import Layer, layer
from convmath.spec.meaning import Meaning


@layer(
    "opaque",
    meaning=Meaning(
        "Y[c,i,j] = unknown(X)",
        source="the user",
        general={
            "output_shape": ["K", "m", "n"],
            "params": "params",
            "macs": "macs",
            "receptive_field": "p",
            "stride": "s",
            "padding": "a",
        },
        remark="All of it is declared; nothing of it is derived or confirmed, and no values run through it.",
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque(Layer):
    """Stand for a layer of another kind by what is declared of it.

    Output i reads ``receptive_field`` elements from ``stride*i - padding`` on, or all of them.
    """

    output_shape: tuple[Value, ...] = sizes()
    params: Value = size(minimum=0)
    macs: Value = size(minimum=0)
    receptive_field: tuple[Value, ...] = reach()
    stride: tuple[Value, ...] = per_axis(1)
    padding: tuple[Value, ...] = per_axis(0, minimum=0)

    @property
    def whole(self) -> bool:
        """Whether every output is declared to read everything."""
        return not self.receptive_field

    def rank_after(self, rank: int) -> int:  # noqa: ARG002
        """Return the number of axes behind the channels."""
        return len(self.output_shape) - 1
