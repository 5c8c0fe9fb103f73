"""The formula sheet: a kind's formulas in its hyper-parameters, and weight sharing as a scale."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from convmath.formula import Formula, Value, exchanged, floor_plus, ratio, symbol
from convmath.report import Scale, ScaleRow, Sheet, Totals
from convmath.spec.document import Document
from convmath.spec.fields import REQUIRED
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.spec.parse import VERSION, parse
from convmath.symbolic.compose import derive
from convmath.symbolic.general import equation_of, general

INPUT = ("C", "H", "W")
OUTPUTS = ("H'", "W'")
SHARING = (
    ("dense", "none: a weight for every pair of input and output"),
    ("locally_connected", "local: a weight for every tap, at every position anew"),
    ("conv", "shared: the same weights at every position"),
)


def sheet(kind: str) -> Sheet:
    """Return the general formulas of a kind, on two axes; of a dense layer for a vector."""
    cls = VOCABULARY[kind]
    known, meaning = general(kind), cls.meaning
    letters = {name: _shown(held) for name, held in meaning.general.items()}
    given = {name: held.default for name, held in field_kinds(cls).items()}
    return Sheet(
        kind=kind,
        summary=(inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ").replace("``", ""),
        fields=tuple(letters.items()),
        defaults=tuple((name, _written(held)) for name, held in given.items() if held not in (REQUIRED, None)),
        aliases=cls.aliases,
        equation=equation_of(kind),
        remark=meaning.remark,
        constants=tuple(meaning.constants.items()),
        source=meaning.source,
        elsewhere=(("PyTorch", meaning.torch), ("Keras", meaning.keras), ("ONNX", meaning.onnx)),
        report=known.report,
        outputs=known.outputs,
        short=known.short,
        notes=_notes(kind, known.short),
    )


def _shown(held: Any) -> str:
    return " × ".join(map(str, held)) if isinstance(held, list) else str(held)


def _written(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _notes(kind: str, short: Mapping[str, Value]) -> dict[str, tuple[Value, str]]:
    """Return what the parameters lose without a bias or without an affine map."""
    for word in ("bias", "affine"):
        if word in field_kinds(VOCABULARY[kind]) and general(kind).short["params"] != 0:
            flag = field_kinds(VOCABULARY[kind])[word]
            if flag.default is True:
                fewer = short["params"] - general(kind, 2, ((word, False),)).short["params"]
                return {"params": (fewer, f"fewer with {word}: false")}
    return {}


def scale() -> Scale:
    """Return the three layers that map C × H × W to K × H' × W': fully, locally, and with shared weights.

    The lectures' scale of weight sharing: each needs a fraction of the weights before it.
    """
    known = dict(map(_renamed, _derived("conv").output_shape[1:], OUTPUTS))
    rows: list[ScaleRow] = []
    for kind, sharing in SHARING:
        totals = _derived(kind)
        bare = _derived(kind, bias=False).params
        weights, biases, macs = (exchanged(each, known) for each in (bare, totals.params - bare, totals.macs))
        rows.append(ScaleRow(kind, sharing, weights, biases, macs, ratio(weights, rows[0].weights) if rows else 1))
    output = (symbol("K"), *map(symbol, OUTPUTS))
    return Scale(tuple(map(symbol, INPUT)), output, tuple(rows), _derived("conv").valid_when)


def _derived(kind: str, *, bias: bool = True) -> Totals:
    """Return the totals of a layer that maps C × H × W to K × H' × W'."""
    window = {"out_channels": "K", "kernel_size": ["p", "q"], "stride": "s", "bias": bias}
    outputs = "K*((H - p)//s + 1)*((W - q)//s + 1)"
    dense: list[Any] = ["flatten", {"dense": {"out_features": outputs, "bias": bias}}]
    layers = dense if kind == "dense" else [{kind: window}]
    data = {"convmath": VERSION, "input": list(INPUT), "layers": layers}
    return derive(parse(Document("<scale>", "", data))).totals


def _renamed(size: Value, name: str) -> tuple[Formula, Value]:
    """Return the floor of a size, and what it is in terms of the size's own name."""
    parts = floor_plus(size)
    if parts is None:
        raise TypeError(f"{size} is no floor")
    return parts[0], symbol(name) - parts[1]
