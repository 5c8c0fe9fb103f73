"""The MathML form, for web pages and notebooks: browsers show it without any script."""

from __future__ import annotations

from html import escape, unescape

from convmath.formula.latex import BRACKETS, GREEK, last_of
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
from convmath.formula.text import digits

SIGNS = {"lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉"}
OPERATORS = {"sum": "∑"}


def mathml_node(node: Node) -> str:
    """Return a tree as MathML elements, to stand inside ``math``."""
    match node:
        case Number_(number):
            return f"<mn>{digits(number)}</mn>"
        case Name(text):
            return _name(text)
        case Sum(terms):
            (sign, first), *others = terms
            parts = ["<mo>−</mo>" if sign < 0 else "", _inside(first, Sum)]
            parts += [f"<mo>{'−' if sign < 0 else '+'}</mo>{_inside(term, Sum)}" for sign, term in others]
            return f"<mrow>{''.join(parts)}</mrow>"
        case Product(factors):
            return f"<mrow>{'<mo>·</mo>'.join(_inside(factor, Sum) for factor in factors)}</mrow>"
        case Quotient(top, bottom):
            return f"<mfrac>{_row(top)}{_row(bottom)}</mfrac>"
        case Call(function, arguments):
            return _call(function, arguments)
        case Exponent(base, exponent):
            return f"<msup>{_base(base)}{_row(exponent)}</msup>"
        case Indexed(array, indices):
            return f"<mrow>{_name(array)}<mo>[</mo>{_listed(indices)}<mo>]</mo></mrow>"
        case Over(function, body, ranges):
            operators = "".join(_operator(function, each) for each in ranges)
            return f"<mrow>{operators}{_inside(body, Sum)}</mrow>"


def _base(node: Node) -> str:
    """Return the base of a power; a sum over an index gets brackets, or its last factor alone would be raised."""
    over = isinstance(node, Over) or (isinstance(node, Call) and node.function == "sum")
    shown = f"<mrow><mo>(</mo>{mathml_node(node)}<mo>)</mo></mrow>"
    return shown if over else _inside(node, Sum, Quotient, Product, Exponent)


def mathml_terms(node: Node) -> list[str]:
    """Return the terms of a sum with their signs, apart from one another, so that a line can break between them."""
    if not isinstance(node, Sum):
        return [mathml_node(node)]
    shown = []
    for at, (sign, term) in enumerate(node.terms):
        mark = f'<mo form="infix">{"−" if sign < 0 else "+"}</mo>' if at or sign < 0 else ""
        shown.append(f"<mrow>{mark}{_inside(term, Sum)}</mrow>")
    return shown


def _row(node: Node) -> str:
    return f"<mrow>{mathml_node(node)}</mrow>"


def _name(text: str) -> str:
    head, underscore, index = text.partition("_")
    if underscore and head and index:
        return f"<msub>{_name(head)}{_name(index)}</msub>"
    shown = unescape(f"&{text};") if text in GREEK else escape(text)
    return f"<mi>{shown}</mi>"


def _call(function: str, arguments: tuple[Node, ...]) -> str:
    if function in BRACKETS:
        left, right = (SIGNS[each] for each in BRACKETS[function])
        return f"<mrow><mo>{left}</mo>{''.join(map(_slashed, arguments))}<mo>{right}</mo></mrow>"
    if function == "sum":
        term, index, low, high = arguments
        below = f"<mrow>{mathml_node(index)}<mo>=</mo>{mathml_node(low)}</mrow>"
        return f"<mrow><munderover><mo>∑</mo>{below}{_row(high)}</munderover>{_inside(term, Sum)}</mrow>"
    if function == "sqrt":
        return f"<msqrt>{_listed(arguments)}</msqrt>"
    return f"<mrow><mi>{function}</mi><mo>(</mo>{_listed(arguments)}<mo>)</mo></mrow>"


def _slashed(node: Node) -> str:
    """Return a quotient on one line: inside a floor it reads better than a small fraction."""
    if not isinstance(node, Quotient):
        return mathml_node(node)
    return f"{_inside(node.top, Sum)}<mo>/</mo>{_inside(node.bottom, Sum, Product)}"


def _listed(nodes: tuple[Node, ...]) -> str:
    return "<mo>,</mo>".join(map(mathml_node, nodes))


def _operator(function: str, each: Range) -> str:
    sign = f"<mo>{OPERATORS.get(function, function)}</mo>"
    low = f"<mrow>{_name(each.index)}<mo>=</mo>{mathml_node(each.low)}</mrow>"
    return f"<munderover>{sign}{low}{_row(last_of(each))}</munderover>"


def _inside(node: Node, *bracketed: type) -> str:
    text = mathml_node(node)
    return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if isinstance(node, bracketed) else text
