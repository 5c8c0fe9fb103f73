"""A symbolic calculator for convolutional networks.

    >>> import convmath as cm
    >>> net = cm.stack(cm.Conv(6, 5), cm.Relu(), cm.MaxPool(2), input=(1, "H", "W"))
    >>> report = cm.analyze(net)
    >>> report.totals.params
    156
    >>> report.totals.output_shape
    (6, floor(H/2) - 2, floor(W/2) - 2)
    >>> report.at(H=32, W=32).totals.macs
    117600

Names are loaded when first used, so that importing convmath imports neither SymPy nor NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convmath.api import (
        Confirmation,
        Report,
        Verdicts,
        analyze,
        check,
        compare,
        draw,
        formula_sheet,
        formulas,
        from_onnx,
        least_where,
        load,
        run,
        sharing_scale,
        sheet,
        solve,
        stack,
        to_spec,
        variant,
        verify,
        verify_kind,
        worked,
    )
    from convmath.errors import (
        CheckFailed,
        ConvmathError,
        LimitError,
        Problem,
        SpecError,
        UnsupportedError,
        UsageError,
    )
    from convmath.importers.torch import from_torch
    from convmath.limits import Limits
    from convmath.spec.graph import Network

_HOMES = {
    "CheckFailed": "convmath.errors",
    "Confirmation": "convmath.api",
    "ConvmathError": "convmath.errors",
    "LimitError": "convmath.errors",
    "Limits": "convmath.limits",
    "Network": "convmath.spec.graph",
    "Problem": "convmath.errors",
    "Report": "convmath.api",
    "SpecError": "convmath.errors",
    "UnsupportedError": "convmath.errors",
    "UsageError": "convmath.errors",
    "Verdicts": "convmath.api",
    "analyze": "convmath.api",
    "check": "convmath.api",
    "compare": "convmath.api",
    "draw": "convmath.api",
    "formula_sheet": "convmath.api",
    "formulas": "convmath.api",
    "from_onnx": "convmath.api",
    "from_torch": "convmath.importers.torch",
    "least_where": "convmath.api",
    "load": "convmath.api",
    "run": "convmath.api",
    "sharing_scale": "convmath.api",
    "sheet": "convmath.api",
    "solve": "convmath.api",
    "stack": "convmath.api",
    "to_spec": "convmath.api",
    "variant": "convmath.api",
    "verify": "convmath.api",
    "verify_kind": "convmath.api",
    "worked": "convmath.api",
}


def _kinds() -> dict[str, str]:
    """Return the layer constructors by their public names."""
    from convmath.spec.constructors import public_name
    from convmath.spec.kinds import VOCABULARY

    return {public_name(kind): kind for kind in VOCABULARY}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        found = getattr(import_module(_HOMES[name]), name)
    elif name == "__all__":
        found = sorted([*_HOMES, *_kinds()])
    elif name[:1].isupper() and name in _kinds():
        from convmath.spec.constructors import constructor

        found = constructor(_kinds()[name])
    else:
        raise AttributeError(f"module 'convmath' has no attribute '{name}'")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*globals(), *_HOMES, *_kinds()]
