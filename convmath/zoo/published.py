"""What papers and libraries published about a network, held against what is derived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from convmath.formula import Formula
from convmath.report import NetworkReport
from convmath.spec.graph import Network
from convmath.symbolic.compose import derive


@dataclass(frozen=True, slots=True)
class Row:
    """One published figure; ``derived`` is what convmath finds."""

    network: str
    what: str
    at: str
    published: Any
    derived: Any

    @property
    def agrees(self) -> bool:
        """Whether both are equal."""
        return bool(self.published == self.derived)


def rows(name: str, network: Network) -> Iterator[Row]:
    """Yield every figure that ``about`` gives, with what is derived for the same input."""
    yield from dict.fromkeys(
        row for figure in network.about.get("figures", ()) for row in _counts(name, network, figure)
    )
    for given, published in network.about.get("sizes", ()):
        found = derive(_sized(network, given)).totals.output_shape[1:]
        yield Row(name, "output", f"{given}×{given}", [published] * len(found), list(found))
    for size, fields in (network.about.get("receptive_fields") or {}).items():
        report = derive(network) if size == "any" else derive(_sized(network, int(size)))
        shown = "any size" if size == "any" else f"{size}×{size}"
        for layer, published in fields.items():
            yield from _field_rows(name, layer, shown, published, report)


def _counts(name: str, network: Network, figure: dict[str, Any]) -> Iterator[Row]:
    """Yield parameters and MACs of one publication: exact ones, and with ``gmacs`` billions to three places."""
    values = dict(figure.get("at") or {})
    spatial = _spatial(network)
    sizes = [str(value) for key, value in values.items() if key in spatial]
    others = [f"{key} {value}" for key, value in values.items() if key not in spatial]
    part = network
    if "output" in figure:
        part = network.up_to(figure["output"])
        others.append(f"up to {figure['output']}")
    shown = ", ".join(["×".join(sizes), *others])
    totals = derive(part.bind({**(network.defaults or {}), **values})).totals
    for quantity in ("params", "macs"):
        if quantity in figure:
            yield Row(name, quantity, shown, figure[quantity], getattr(totals, quantity))
    if "gmacs" in figure:
        derived = Decimal(int(totals.macs)).scaleb(-9)  # type: ignore[arg-type]
        yield Row(name, "macs, 10⁹", shown, _places(Decimal(str(figure["gmacs"]))), _places(derived))


def _places(number: Decimal) -> str:
    return str(number.quantize(Decimal("0.001")))


def _sized(network: Network, size: int) -> Network:
    """Return the network at a square input; other symbols take their defaults."""
    spatial = _spatial(network)
    return network.bind({each.name: size if each.name in spatial else each.default or 1 for each in network.symbols})


def _spatial(network: Network) -> set[str]:
    """Return the names of the symbols that stand for a size of the input."""
    return {str(each) for source in network.inputs for each in source.sizes if isinstance(each, Formula)}


def _field_rows(name: str, layer: str, at: str, published: list[Any], report: NetworkReport) -> Iterator[Row]:
    """Yield size, jump and padding (the negative start) of one layer; all axes must agree."""
    try:
        field = report.layer(layer).receptive_field
    except KeyError:
        yield Row(name, layer, at, published, "no such layer")
        return
    axes = {
        (size, jump, None if published[2] is None else -start)
        for size, jump, start in zip(field.size, field.jump or (), field.start or (), strict=False)
    }
    derived = list(axes.pop()) if len(axes) == 1 else sorted(axes, key=str)
    yield Row(name, f"{layer} *", at, published, derived)
