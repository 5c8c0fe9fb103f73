"""The records that leave an engine: plain facts, ready for any format."""

from convmath.report.analysis import (
    RELATIONS,
    Analysis,
    Check,
    Condition,
    Counterexample,
    Field,
    InputReport,
    LayerReport,
    NetworkReport,
    Operations,
    SymbolReport,
    Totals,
    Verification,
)
from convmath.report.comparison import Comparison, ComparisonRow, Overtaking
from convmath.report.formulas import Chain, Derivation, Formulas, Law, Scale, ScaleRow, Sheet, Step

__all__ = [
    "RELATIONS",
    "Analysis",
    "Chain",
    "Check",
    "Comparison",
    "ComparisonRow",
    "Condition",
    "Counterexample",
    "Derivation",
    "Field",
    "Formulas",
    "InputReport",
    "Law",
    "LayerReport",
    "NetworkReport",
    "Operations",
    "Overtaking",
    "Scale",
    "ScaleRow",
    "Sheet",
    "Step",
    "SymbolReport",
    "Totals",
    "Verification",
]
