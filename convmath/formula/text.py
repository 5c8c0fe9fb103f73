"""The text form: what the expression grammar reads back, ``floor((H - 31)/32)``."""

from __future__ import annotations

from collections.abc import Iterable

from convmath.errors import LimitError, Problem
from convmath.formula.layout import arrange
from convmath.formula.nodes import Call, Exponent, Indexed, Name, Node, Number_, Over, Product, Quotient, Range, Sum
from convmath.formula.terms import Value

MOST_BITS = 4096


def write(formula: Value, *, textbook: bool = False) -> str:
    """Return *formula* as text; *textbook* writes ``ceil`` where it is shorter."""
    return write_node(arrange(formula, textbook=textbook))


def write_shape(sizes: Iterable[Value], *, textbook: bool = False) -> str:
    """Return sizes joined by ``×``; a sum gets brackets."""
    return " × ".join(_inside(arrange(size, textbook=textbook), Sum) for size in sizes)


def digits(number: int) -> str:
    """Return the decimal digits; Raises ``LimitError`` for a number too long to be meant."""
    if number.bit_length() > MOST_BITS:
        message = f"a number of {number.bit_length()} bits is too large to print"
        raise LimitError(Problem("too-large", message, f"results are limited to {MOST_BITS} bits: use smaller sizes"))
    return str(number)


def write_node(node: Node) -> str:
    """Return a tree as text, in the notation that ``notation`` reads."""
    match node:
        case Number_(number):
            return digits(number)
        case Name(text):
            return text
        case Sum(terms):
            (sign, first), *others = terms
            parts = ["-" if sign < 0 else "", _inside(first, Sum)]
            for sign, term in others:
                parts += [" - " if sign < 0 else " + ", _inside(term, Sum)]
            return "".join(parts)
        case Product(factors):
            return "*".join([_inside(factors[0], Sum), *(_inside(each, Sum, Quotient) for each in factors[1:])])
        case Quotient(top, bottom):
            return f"{_inside(top, Sum, Quotient)}/{_inside(bottom, Sum, Quotient, Product)}"
        case Call(function, arguments):
            return f"{function}({', '.join(map(write_node, arguments))})"
        case Exponent(base, exponent):
            return f"{_inside(base, Sum, Quotient, Product, Exponent)}**{_inside(exponent, Sum, Quotient, Product)}"
        case Indexed(array, indices):
            return f"{array}[{','.join(map(write_node, indices))}]"
        case Over(function, body, ranges):
            return f"{function}({write_node(body)}, {', '.join(map(_range, ranges))})"


def _range(each: Range) -> str:
    low = "" if each.low == Number_(0) else f"{write_node(each.low)} <= "
    return f"{low}{each.index} < {write_node(each.high)}"


def _inside(node: Node, *bracketed: type) -> str:
    text = write_node(node)
    return f"({text})" if isinstance(node, bracketed) else text
