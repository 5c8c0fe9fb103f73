"""The records that leave an engine: plain facts, ready for any format."""

from convmath.report.analysis import (
    RELATIONS,
    Analysis,
    Check,
    Condition,
    Counterexample,
    Disagreement,
    Field,
    InputReport,
    JoinReport,
    LayerReport,
    NetworkReport,
    Operations,
    Residues,
    SymbolReport,
    Totals,
    Verification,
)
from convmath.report.comparison import Comparison, ComparisonRow, Overtaking
from convmath.report.formulas import Chain, Derivation, Formulas, Law, Scale, ScaleRow, Sheet, Step
from convmath.report.pixels import AxisPixels, Pixels, Seen
from convmath.report.solution import Solution, Solved

__all__ = [
    "RELATIONS",
    "Analysis",
    "AxisPixels",
    "Chain",
    "Check",
    "Comparison",
    "ComparisonRow",
    "Condition",
    "Counterexample",
    "Derivation",
    "Disagreement",
    "Field",
    "Formulas",
    "InputReport",
    "JoinReport",
    "Law",
    "LayerReport",
    "NetworkReport",
    "Operations",
    "Overtaking",
    "Pixels",
    "Residues",
    "Scale",
    "ScaleRow",
    "Seen",
    "Sheet",
    "Solution",
    "Solved",
    "Step",
    "SymbolReport",
    "Totals",
    "Verification",
]
