"""The expression grammar: text to values, under a whitelist and hard limits, never by running it.

Decimal integers, names, ``+ - * / // % ** ( )``, ``min max gcd ceil floor``. Python's
``ast`` finds the structure; nothing is compiled, evaluated or imported.
"""

from __future__ import annotations

import ast
import keyword
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from convmath.errors import ExpressionError
from convmath.formula import (
    Formula,
    Value,
    ceil_of,
    floor_of,
    gcd_of,
    max_of,
    min_of,
    power_of,
    ratio,
    sum_over,
    symbol,
)
from convmath.formula.terms import terms_of, whole

MOST_CHARACTERS = 500
MOST_TOKENS = 200
MOST_DEPTH = 50
MOST_DIGITS = 18
MOST_BITS = 4096
MOST_EXPONENT = 64

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
FUNCTIONS: dict[str, tuple[int, Callable[..., Value]]] = {
    "min": (0, min_of),
    "max": (0, max_of),
    "gcd": (2, gcd_of),
    "ceil": (1, ceil_of),
    "floor": (1, floor_of),
}
RESERVED = frozenset(FUNCTIONS) | {"in_channels", "sum"} | frozenset(keyword.kwlist)
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}

_TOKEN = re.compile(
    r"(?P<space>[ \t]+)"
    r"|(?P<number>[0-9][0-9A-Za-z_.]*(?:(?<=[eE])[+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>\*\*|//|[<>=!]=|[-+*/%(),<>])"
)
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")

Lookup: TypeAlias = Callable[[str], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: evaluate it as often as there are scopes."""

    text: str
    tree: ast.expr

    def evaluate(self, lookup: Lookup) -> Value:
        """Return the value, names looked up by *lookup*.

        Raises ``ExpressionError`` with the column, for a division by zero or a number too large.
        """
        return _value(self.tree, lookup, self.text)

    @property
    def names(self) -> frozenset[str]:
        """The names that the expression mentions, functions aside."""
        return frozenset(_names(self.tree))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of a condition."""

    left: Expression
    relation: str
    right: Expression

    def __str__(self) -> str:
        return f"{self.left.text} {self.relation} {self.right.text}"


def is_name(text: str) -> bool:
    """Tell whether *text* may name a symbol, a parameter or a value."""
    return NAME.fullmatch(text) is not None and text not in RESERVED


@lru_cache(maxsize=1 << 14)
def parse_expression(text: str) -> Expression:
    """Read one expression; Raises ``ExpressionError`` with the column of the fault."""
    _scan(text, decimals=False)
    return Expression(text, _checked(_tree(text)))


def parse_condition(text: str) -> tuple[Comparison, ...]:
    """Read comparisons joined by ``and``; chains such as ``1 <= a < b`` count as two."""
    _scan(text, decimals=True)
    tree = _tree(text)
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    return tuple(comparison for part in parts for comparison in _comparisons(part, text))


def _comparisons(tree: ast.expr, text: str) -> Iterator[Comparison]:
    if not isinstance(tree, ast.Compare):
        raise ExpressionError(
            "not-a-condition", f"'{text}' compares nothing", tree.col_offset + 1, "write a comparison such as 'H >= 32'"
        )
    sides = [
        Expression(ast.get_source_segment(text, side) or text, _checked(side))
        for side in (tree.left, *tree.comparators)
    ]
    for left, relation, right in zip(sides, tree.ops, sides[1:], strict=False):
        if type(relation) not in COMPARISONS:
            raise ExpressionError("not-a-condition", "compare with < <= > >= == or !=", tree.col_offset + 1)
        yield Comparison(left, COMPARISONS[type(relation)], right)


def _scan(text: str, *, decimals: bool) -> None:
    """Refuse what is too long or no piece of the grammar, before any parser sees it."""
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(
            "expr-too-long", f"an expression of {len(text)} characters; the limit is {MOST_CHARACTERS}"
        )
    at = count = depth = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError("bad-character", f"{text[at]!r} is no part of an expression", at + 1)
        piece = match.group()
        count += match.lastgroup != "space"
        depth += (piece == "(") - (piece == ")")
        if count > MOST_TOKENS or depth > MOST_DEPTH:
            raise ExpressionError(
                "expr-too-deep", f"more than {MOST_TOKENS} tokens or {MOST_DEPTH} brackets deep", at + 1
            )
        if match.lastgroup == "number":
            _check_number(piece, at, decimals=decimals)
        if match.lastgroup == "name" and len(piece) > 64:
            raise ExpressionError("bad-name", f"a name of {len(piece)} characters; the limit is 64", at + 1)
        at = match.end()
    if not count:
        raise ExpressionError("empty-expression", "an expression is missing")
    if depth > 0:
        message = f"'{text}' lacks {depth} closing bracket{'s' * (depth > 1)}"
        raise ExpressionError(
            "unclosed", message, 1, "inside { } a comma ends a plain value: quote the whole expression"
        )


def _check_number(piece: str, at: int, *, decimals: bool) -> None:
    if piece.isdigit():
        if len(piece) > MOST_DIGITS:
            message = f"a number of {len(piece)} digits; the limit is {MOST_DIGITS}"
            raise ExpressionError("number-too-long", message, at + 1)
        if piece[0] == "0" and len(piece) > 1:
            raise ExpressionError("bad-number", f"'{piece}' starts with a zero", at + 1, f"write {int(piece)}")
    elif not decimals or len(piece) > MOST_DIGITS or not _DECIMAL.fullmatch(piece):
        raise ExpressionError("bad-number", f"'{piece}' is no decimal integer", at + 1, "write digits only, as in 1000")


def _tree(text: str) -> ast.expr:
    """Return the syntax tree, its columns counted in *text*, its decimals exact."""
    bare = text.strip(" \t")
    lead = text.index(bare)
    try:
        tree = ast.parse(bare, mode="eval").body
    except SyntaxError as error:
        if text.strip(" \t") in keyword.kwlist:
            raise ExpressionError("bad-name", f"'{text}' is a reserved word", 1, "choose another name") from None
        column = max(1, min(lead + (error.offset or 1), len(text)))
        raise ExpressionError("bad-expression", f"'{text}' is no expression", column) from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            node.value = _exact(bare[node.col_offset : node.end_col_offset])  # type: ignore[assignment]
        if isinstance(node, ast.expr):
            node.col_offset += lead
            node.end_col_offset = (node.end_col_offset or 0) + lead
    return tree


def _checked(tree: ast.expr, depth: int = 0) -> ast.expr:
    """Return the tree if every node of it is on the whitelist."""
    if depth > MOST_DEPTH:
        raise ExpressionError("expr-too-deep", f"an expression nested more than {MOST_DEPTH} deep", tree.col_offset + 1)
    match tree:
        case ast.Constant(value=int() | Fraction()) if not isinstance(tree.value, bool):
            pass
        case ast.Name(id=name):
            if not (is_name(name) or name == "in_channels"):
                raise ExpressionError("bad-name", f"'{name}' is a reserved word", tree.col_offset + 1)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _checked(operand, depth + 1)
        case ast.BinOp(op=operation, left=left, right=right) if type(operation) in _OPERATORS:
            _checked(left, depth)  # a long sum leans to the left; it is no deeper than its terms
            _checked(right, depth + 1)
        case ast.Call(func=ast.Name(), keywords=[]):
            _checked_call(tree, depth)
        case _:
            raise ExpressionError(
                "bad-expression", "only + - * / // % ** and functions can stand here", tree.col_offset + 1
            )
    return tree


def _checked_call(tree: ast.Call, depth: int) -> None:
    match tree:
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            wanted = FUNCTIONS[name][0]
            if not arguments or (wanted and len(arguments) != wanted):
                message = f"{name} takes {wanted or 'one or more'}, not {len(arguments)} arguments"
                raise ExpressionError("bad-call", message, tree.col_offset + 1)
            for argument in arguments:
                _checked(argument, depth + 1)
        case ast.Call(func=ast.Name(id="sum"), args=[term, ast.Name(id=index), low, high]) if is_name(index):
            for argument in (term, low, high):
                _checked(argument, depth + 1)
        case ast.Call(func=ast.Name(id=name)):
            help_ = f"the functions are {', '.join(FUNCTIONS)}, and sum(term, i, low, high)"
            raise ExpressionError("unknown-function", f"'{name}' is no function here", tree.col_offset + 1, help_)


def _names(tree: ast.expr) -> Iterator[str]:
    """Yield the names, but for functions and the index of a sum inside of it."""
    match tree:
        case ast.Name(id=name):
            yield name
        case ast.Call(func=ast.Name(id="sum"), args=[term, ast.Name(id=index), low, high]):
            yield from (each for each in _names(term) if each != index)
            yield from (*_names(low), *_names(high))
        case ast.Call(args=arguments):
            for argument in arguments:
                yield from _names(argument)
        case _:
            for child in ast.iter_child_nodes(tree):
                if isinstance(child, ast.expr):
                    yield from _names(child)


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(exponent, int):
        if isinstance(base, Formula):
            if abs(exponent) > MOST_EXPONENT:
                raise ExpressionError("expr-too-large", f"the exponent {exponent} is above {MOST_EXPONENT}")
        elif abs(exponent) * (max(abs(base.numerator), base.denominator).bit_length() - 1) >= MOST_BITS:
            raise ExpressionError("expr-too-large", f"the power {base}**{exponent} has more than {MOST_BITS} bits")
    return power_of(base, exponent)


_OPERATORS: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: ratio,
    ast.FloorDiv: floor_of,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def _value(tree: ast.expr, lookup: Lookup, text: str) -> Value:
    try:
        match tree:
            case ast.Constant(value=int() | Fraction() as number):
                return number
            case ast.Name(id=name):
                return lookup(name)
            case ast.UnaryOp(op=operation, operand=operand):
                inner = _value(operand, lookup, text)
                return -inner if isinstance(operation, ast.USub) else inner
            case ast.BinOp(op=operation, left=left, right=right):
                result = _OPERATORS[type(operation)](_value(left, lookup, text), _value(right, lookup, text))
                return _bounded(result, tree)
            case ast.Call(func=ast.Name(id="sum"), args=[term, ast.Name(id=index), low, high]):
                inner = _value(term, lambda name: symbol(name) if name == index else lookup(name), text)
                return _bounded(sum_over(inner, index, _value(low, lookup, text), _value(high, lookup, text)), tree)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name][1](*(_value(argument, lookup, text) for argument in arguments))
    except ZeroDivisionError:
        raise ExpressionError("division-by-zero", f"'{text}' divides by zero", tree.col_offset + 1) from None
    raise AssertionError(ast.dump(tree))


def _bounded(result: Value, tree: ast.expr) -> Value:
    """Return *result* if no number in it is too large; names that stand for products grow without bound."""
    bits = max(
        max(abs(number.numerator), number.denominator).bit_length() for number in (terms_of(result) or {(): 0}).values()
    )
    if bits > MOST_BITS:
        raise ExpressionError("expr-too-large", f"a number of more than {MOST_BITS} bits", tree.col_offset + 1)
    return result if isinstance(result, Formula) else whole(result)


def _exact(piece: str) -> Value:
    """Return a decimal such as ``5e6`` as the exact number it is."""
    number = Fraction(piece)
    return number.numerator if number.denominator == 1 else number
