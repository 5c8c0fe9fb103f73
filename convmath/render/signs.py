"""The signs between formulas and between numbers, in LaTeX's letters."""

from __future__ import annotations

from collections.abc import Sequence

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

LATEX_SIGNS = {"×": r"\times", "…": r"\dots", "max": r"\max", "·": r"\cdot"}


def latex_arithmetic(parts: Sequence[int | float | str]) -> str:
    """Return a calculation with numbers; TeX and browsers break it at its signs."""
    return "".join(_word(each) if isinstance(each, str) else _number(each) for each in parts)


def _number(number: float) -> str:
    """Return a number as LaTeX writes it: a power of ten for an exponent."""
    if number in (float("inf"), float("-inf")):
        return r"\infty" if number > 0 else r"-\infty"
    mantissa, _, exponent = str(number).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _word(text: str) -> str:
    for sign, command in LATEX_SIGNS.items():
        text = text.replace(sign, command)
    if text.isidentifier():  # the name of a function; an underscore would need a backslash
        return r" \thinspace ".join(rf"\mathrm{{{part}}}" for part in text.split("_") if part)
    return text
