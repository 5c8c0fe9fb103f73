"""The LaTeX form, for papers and for mathematics in Markdown.

It keeps to commands that LaTeX, MathJax and KaTeX all know, and to characters that
Markdown leaves alone: no ``*``, ``<``, ``|``, no backslash before a sign, and a letter
before every ``_``, since between brackets it might begin an emphasis.
"""

from __future__ import annotations

import re

from convmath.formula.layout import arrange
from convmath.formula.nodes import (
    Call,
    Exponent,
    Indexed,
    Name,
    Node,
    Number_,
    Over,
    Product,
    Quotient,
    Range,
    Sum,
)
from convmath.formula.terms import Value
from convmath.formula.text import digits

GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "pi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
    ]
)
BRACKETS = {"floor": ("lfloor", "rfloor"), "ceil": ("lceil", "rceil")}
OPERATORS = frozenset(("max", "min", "gcd", "exp", "log", "tanh"))
MOST_TALL = 80
"""Longer than this, brackets do not grow with what is inside: TeX would not break the line between them."""
NOTHING = r"\cdot"
LETTER = re.compile(r"[A-Za-z]'?")
DIGIT = re.compile(r"[0-9]")


def write_latex(formula: Value, *, textbook: bool = True) -> str:
    """Return *formula* as LaTeX mathematics; *textbook* writes a ceiling where it is shorter."""
    return latex_node(arrange(formula, textbook=textbook))


def latex_node(node: Node) -> str:
    """Return a tree as LaTeX mathematics."""
    match node:
        case Number_(number):
            return digits(number)
        case Name(text):
            return latex_name(text)
        case Sum(terms):
            (sign, first), *others = terms
            parts = ["-" if sign < 0 else "", _inside(first, Sum)]
            parts += [f" {'-' if sign < 0 else '+'} {_inside(term, Sum)}" for sign, term in others]
            return "".join(parts)
        case Product(factors):
            return _product(factors)
        case Quotient(top, bottom):
            return rf"\frac{{{latex_node(top)}}}{{{latex_node(bottom)}}}"
        case Call(function, arguments):
            return _call(function, arguments)
        case Exponent(base, exponent):
            return f"{_base(base)}^{{{latex_node(exponent)}}}"
        case Indexed(array, indices):
            return f"{latex_name(array)}[{', '.join(map(latex_node, indices))}]"
        case Over(function, body, ranges):
            operators = r"\allowbreak ".join(_operator(function, each) for each in ranges)
            return f"{operators} {_inside(body, Sum)}"


def latex_name(text: str) -> str:
    """Return a symbol: one letter as it is, Greek ones in Greek, words upright together, ``a_b`` with an index.

    Different names stay different, which an underscore at an end or a doubled one would break without the dot.
    """
    head, underscore, index = text.partition("_")
    if underscore:
        below = f"_{{{latex_name(index) if index else NOTHING}}}"
        shown = latex_name(head) if head else NOTHING
        return f"{shown[:-1]}{below}}}" if shown.endswith("}") else f"{shown}{below}"
    if text in GREEK:
        return f"\\{text}"
    return text if LETTER.fullmatch(text) or text.isdigit() else rf"\mathit{{{text}}}"


def _base(node: Node) -> str:
    """Return the base of a power; a sum over an index gets brackets, or its last factor alone would be raised."""
    over = isinstance(node, Over) or (isinstance(node, Call) and node.function == "sum")
    return f"({latex_node(node)})" if over else _inside(node, Sum, Quotient, Product, Exponent)


def _product(factors: tuple[Node, ...]) -> str:
    """Return factors side by side, with a dot where two would read as one."""
    text = ""
    for at, factor in enumerate(factors):
        part = _inside(factor, Sum)
        if at:
            wide = _is_word(factor) or _is_word(factors[at - 1])
            text += r" \cdot " if DIGIT.match(part) or wide or isinstance(factors[at - 1], Over) else " "
        text += part
    return text


def _is_word(node: Node) -> bool:
    """Tell whether a factor is, or begins with, a name of several letters."""
    base = node.base if isinstance(node, Exponent) else node
    return isinstance(base, Name) and latex_name(base.text).startswith(r"\mathit")


def _call(function: str, arguments: tuple[Node, ...]) -> str:
    inner = r",\allowbreak ".join(map(latex_node, arguments))
    if function in BRACKETS:
        left, right = BRACKETS[function]
        return rf"{{\{left} {', '.join(map(_slashed, arguments))} \{right}}}"
    if function == "sum":
        term, index, low, high = arguments
        return rf"\sum_{{{latex_node(index)} = {latex_node(low)}}}^{{{latex_node(high)}}} {_inside(term, Sum)}"
    if function == "mod":
        left, right = (_inside(each, Sum, Product) for each in arguments)
        return rf"({left} \bmod {right})"
    if function == "sqrt":
        return rf"\sqrt{{{inner}}}"
    name = f"\\{function}" if function in OPERATORS else rf"\mathrm{{{function}}}"
    return f"{name}({inner})"


def _slashed(node: Node) -> str:
    """Return a quotient on one line: inside a floor it reads better than a small fraction."""
    if not isinstance(node, Quotient):
        return latex_node(node)
    return f"{_inside(node.top, Sum)} / {_inside(node.bottom, Sum, Product)}"


def _operator(function: str, each: Range) -> str:
    """Return a sum, a maximum or a mean over one index, its last value above or below."""
    index, low, last = latex_name(each.index), latex_node(each.low), latex_node(last_of(each))
    if function == "sum":
        return rf"\sum_{{{index} = {low}}}^{{{last}}}"
    name = r"\max" if function == "max" else rf"\mathop{{\mathrm{{{function}}}}}\nolimits"
    return rf"{name}_{{{low} \le {index} \le {last}}}"


def last_of(each: Range) -> Node:
    """Return the last value of an index: one less than where its range ends."""
    high = each.high
    if isinstance(high, Number_):
        return Number_(high.number - 1)
    terms = high.terms if isinstance(high, Sum) else ((1, high),)
    if terms[-1] == (1, Number_(1)):
        return Sum(terms[:-1]) if len(terms) > 2 else terms[0][1]
    return Sum((*terms, (-1, Number_(1))))


def _inside(node: Node, *bracketed: type) -> str:
    text = latex_node(node)
    if not isinstance(node, bracketed):
        return text
    tall = r"\frac" in text and len(text) <= MOST_TALL
    return rf"\left({text}\right)" if tall else f"({text})"
