"""The signs between formulas, in LaTeX's letters."""

LATEX_RELATIONS = {
    "=": "=",
    "≥": r"\ge",
    "≤": r"\le",
    "≠": r"\ne",
    ">": r"\gt",
    "<": r"\lt",
    "…": r"\dots",
    "×": r"\times",
}
