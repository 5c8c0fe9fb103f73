"""The formula sheet: a kind's formulas in its hyper-parameters, and weight sharing as a scale."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from convmath.formula import Value, product_of, ratio, symbol
from convmath.formula.text import write
from convmath.report import NetworkReport, Scale, ScaleRow, Sheet
from convmath.spec.document import Document
from convmath.spec.fields import REQUIRED
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.spec.parse import VERSION, parse
from convmath.symbolic.compose import derive
from convmath.symbolic.general import equation_of, general

SHARING = (
    ("dense", "none: every output has a weight for every input"),
    ("locally_connected", "none, but only the inputs of a window"),
    ("conv", "full: all positions have the same weights"),
)


def sheet(kind: str) -> Sheet:
    """Return the general formulas of a kind, on two axes; of a dense layer for a vector."""
    cls = VOCABULARY[kind]
    known, meaning = general(kind), cls.meaning
    letters = {name: _shown(held) for name, held in meaning.general.items()}
    fixed = {name: held.default for name, held in field_kinds(cls).items() if name not in letters}
    return Sheet(
        kind=kind,
        summary=(inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " "),
        fields=tuple(letters.items()),
        defaults=tuple((name, _written(held)) for name, held in fixed.items() if held is not REQUIRED),
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


def _notes(kind: str, short: Mapping[str, Value]) -> dict[str, str]:
    """Return what the parameters lose without a bias or without an affine map."""
    for word in ("bias", "affine"):
        if word in field_kinds(VOCABULARY[kind]) and general(kind).short["params"] != 0:
            flag = field_kinds(VOCABULARY[kind])[word]
            if flag.default is True:
                fewer = short["params"] - general(kind, 2, ((word, False),)).short["params"]
                return {"params": f"{write(fewer)} fewer with {word}: false"}
    return {}


def scale() -> Scale:
    """Return the three layers that map C × H × W to K × H' × W': fully, locally, and with shared weights.

    The lectures' scale of weight sharing: each needs a fraction of the weights before it.
    """
    window = {"out_channels": "K", "kernel_size": ["p", "q"], "stride": "s", "padding": 0}
    entries: dict[str, list[Any]] = {
        "dense": ["flatten", {"dense": "K*((H - p)//s + 1)*((W - q)//s + 1)"}],
        "locally_connected": [{"locally_connected": window}],
        "conv": [{"conv": window}],
    }
    reports = {kind: derive(parse(_document(layers))) for kind, layers in entries.items()}
    whole = general("conv").outputs
    del whole
    image = reports["conv"].totals.output_shape
    outputs = (symbol("K"), symbol("H'"), symbol("W'"))
    rows: list[ScaleRow] = []
    for kind, sharing in SHARING:
        weights, biases, macs = _counts(reports[kind], image, outputs)
        first = rows[0].weights if rows else weights
        rows.append(ScaleRow(kind, sharing, weights, biases, macs, ratio(weights, first)))
    inputs = (symbol("C"), symbol("H"), symbol("W"))
    return Scale(inputs, outputs, tuple(rows), reports["conv"].totals.valid_when)


def _document(layers: list[Any]) -> Document:
    return Document("<scale>", "", {"convmath": VERSION, "input": ["C", "H", "W"], "layers": layers})
