"""The textbook's notation as text: ``Y[k,i] = b[k] + sum(X[m, s*i + u]*F[k,m,u], m < C, u < p)``.

Beside the arithmetic of formulas there are elements of arrays, and ``sum``, ``max`` and
``mean`` over ranges: ``u < p`` counts from zero, ``a <= u < b`` from a. Only convmath's
own texts are read here; what stands in files goes through the expression grammar.
"""

from __future__ import annotations

import ast
from functools import lru_cache

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


@lru_cache(maxsize=1 << 10)
def read(text: str) -> Node:
    """Return the tree of one side of an equation.

    Raises ``ValueError`` for what is not in the notation.
    """
    return _node(ast.parse(text.strip(), mode="eval").body)


def read_equation(text: str) -> tuple[Node, Node]:
    """Return both sides of ``left = right``."""
    left, _, right = text.partition(" = ")
    return read(left), read(right)


def _node(tree: ast.expr) -> Node:
    match tree:
        case ast.Constant(value=int(number)):
            return Number_(number)
        case ast.Name(id=text):
            return Name(text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Sum(((-1, _node(operand)),))
        case ast.BinOp(op=ast.Add() | ast.Sub() as operation, left=left, right=right):
            before = _node(left)
            terms = before.terms if isinstance(before, Sum) else ((1, before),)
            return Sum((*terms, (1 if isinstance(operation, ast.Add) else -1, _node(right))))
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            product = _node(left)
            factors = product.factors if isinstance(product, Product) else (product,)
            return Product((*factors, _node(right)))
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            return Quotient(_node(left), _node(right))
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return Exponent(_node(left), _node(right))
        case ast.Subscript(value=ast.Name(id=array), slice=ast.Tuple(elts=indices)):
            return Indexed(array, tuple(map(_node, indices)))
        case ast.Subscript(value=ast.Name(id=array), slice=index):
            return Indexed(array, (_node(index),))
        case ast.Call(func=ast.Name(id=function), args=[body, *ranges]) if any(
            isinstance(each, ast.Compare) for each in ranges
        ):
            return Over(function, _node(body), tuple(map(_range, ranges)))
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return Call(function, tuple(map(_node, arguments)))
    raise ValueError(f"{ast.unparse(tree)} is not in the notation")


def _range(tree: ast.expr) -> Range:
    match tree:
        case ast.Compare(left=ast.Name(id=index), ops=[ast.Lt()], comparators=[high]):
            return Range(index, Number_(0), _node(high))
        case ast.Compare(left=low, ops=[ast.LtE(), ast.Lt()], comparators=[ast.Name(id=index), high]):
            return Range(index, _node(low), _node(high))
    raise ValueError(f"{ast.unparse(tree)} is no range of an index")
