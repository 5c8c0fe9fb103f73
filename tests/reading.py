"""Reads formulas back as a reader would: LaTeX, MathML and trees; and gives trees their values at integers.

Nothing is shared with the printers: the readers know only what the signs mean on paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree as ET

from convmath.formula.nodes import Call, Exponent, Indexed, Name, Node, Number_, Over, Product, Quotient, Range, Sum

GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        re.findall(
            "[A-Za-z]+",
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi"
            " psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
        ),
        strict=True,
    )
)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "gcd": lambda a, b: math.gcd(whole(a), whole(b)),
    "mod": lambda a, b: a % b,
    "abs": abs,
    "exp": lambda a: math.exp(min(a, 60)),
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "erf": math.erf,
    "unknown": lambda *values: sum(values),
}


def whole(number: Any) -> int:
    """Return an integer; a fraction in its place is a fault."""
    assert number == int(number), f"{number} stands where an integer belongs"
    return int(number)


class Anywhere(dict[str, int]):
    """Values of some names; every other name has one of its own as well."""

    def __missing__(self, name: str) -> int:
        return 2 + sum(map(ord, name)) % 5


def value_of(node: Node, at: Mapping[str, Any]) -> Any:
    """Return the value of a tree by Python's own numbers; elements of arrays are made up from their indices."""
    match node:
        case Number_(number):
            return Fraction(number)
        case Name(text):
            return Fraction(at[text])
        case Sum(terms):
            return sum(sign * value_of(term, at) for sign, term in terms)
        case Product(factors):
            return math.prod(value_of(factor, at) for factor in factors)
        case Quotient(top, bottom):
            return value_of(top, at) / value_of(bottom, at)
        case Exponent(base, exponent):
            return value_of(base, at) ** value_of(exponent, at)
        case Call("sum", (body, Name(index), low, high)):
            return value_of(Over("sum", body, (Range(index, low, Sum(((1, high), (1, Number_(1))))),)), at)
        case Call(function, arguments):
            return FUNCTIONS[function](*(value_of(each, at) for each in arguments))
        case Indexed(array, indices):
            found = hash((array, *(value_of(each, at) for each in indices)))
            return Fraction(found % 89 + 1, 7)
        case Over(function, body, ranges):
            found = [value_of(body, inner) for inner in _points(ranges, at)]
            if function == "mean":
                return sum(found) / len(found) if found else 0
            return {"sum": sum, "max": max}[function](found) if found else 0


def _points(ranges: tuple[Range, ...], at: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not ranges:
        yield at
        return
    first, *others = ranges
    for index in range(math.floor(value_of(first.low, at)), math.floor(value_of(first.high, at))):
        yield from _points(tuple(others), Anywhere({**at, first.index: index}))


class Reader:
    """A grammar of mathematics over tokens: sums of products of powers, ``/`` before one factor."""

    def __init__(self, tokens: list[Any]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self, ahead: int = 0) -> Any:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else None

    def take(self, *wanted: Any) -> Any:
        mark = self.peek()
        assert mark is not None, "the formula ends too early"
        assert not wanted or mark in wanted, f"{mark} where one of {wanted} belongs"
        self.at += 1
        return mark

    def whole(self) -> Node:
        node = self.sum()
        assert self.peek() is None, f"{self.peek()} is left over"
        return node

    def sum(self) -> Node:
        sign = -1 if self.peek() == "-" and self.take() else 1
        terms = [(sign, self.product())]
        while self.peek() in ("+", "-"):
            terms.append((-1 if self.take() == "-" else 1, self.product()))
        return terms[0][1] if len(terms) == 1 and sign > 0 else Sum(tuple(terms))

    def product(self) -> Node:
        factors = [self.factor()]
        while self.peek() == "dot" or self.begins():
            if self.peek() == "dot":
                self.take()
            factors.append(self.factor())
        node = factors[0] if len(factors) == 1 else Product(tuple(factors))
        if self.peek() == "/":
            self.take()
            node = Quotient(node, self.factor())
        if self.peek() == "mod":
            self.take()
            node = Call("mod", (node, self.product()))
        return node

    def begins(self) -> bool:
        """Tell whether a factor stands here, beside the one before."""
        raise NotImplementedError

    def factor(self) -> Node:
        raise NotImplementedError

    def listed(self, closing: str) -> tuple[Node, ...]:
        found = [self.sum()]
        while self.peek() == ",":
            self.take()
            found.append(self.sum())
        self.take(closing)
        return tuple(found)


_LATEX = re.compile(r"\\[A-Za-z]+|[0-9]+|[A-Za-z]'?|[-+/^_{}()\[\],=]|\s+")
_SILENT = {"\\left", "\\right", "\\allowbreak"}
_CALLS = {"\\max": "max", "\\min": "min", "\\gcd": "gcd", "\\exp": "exp", "\\log": "log", "\\tanh": "tanh"}
_FENCES = {"\\lfloor": ("\\rfloor", "floor"), "\\lceil": ("\\rceil", "ceil")}
_CLOSING = {"+", "-", "/", ",", ")", "]", "}", "^", "_", "=", "\\rfloor", "\\rceil", "\\bmod", "\\le", "mod", "dot"}


class Latex(Reader):
    """Reads LaTeX mathematics."""

    def __init__(self, text: str) -> None:
        tokens, end = [], 0
        while end < len(text):
            found = _LATEX.match(text, end)
            assert found, f"{text[end:]!r} is no mathematics"
            end = found.end()
            if found[0].strip() and found[0] not in _SILENT:
                tokens.append(found[0])
        super().__init__(
            [
                "mod" if each == "\\bmod" else "dot" if each == "\\cdot" and tokens[at + 1 : at + 2] != ["_"] else each
                for at, each in enumerate(tokens)
            ]
        )

    def begins(self) -> bool:
        return self.peek() is not None and self.peek() not in _CLOSING

    def factor(self) -> Node:
        node = self.primary()
        if self.peek() == "^":
            self.take()
            return Exponent(node, self.group(self.sum))
        return node

    def group(self, read: Callable[[], Any]) -> Any:
        self.take("{")
        found = read()
        self.take("}")
        return found

    def primary(self) -> Node:
        mark = self.peek()
        if mark.isdigit():
            return Number_(int(self.take()))
        if mark == "(":
            self.take()
            node = self.sum()
            self.take(")")
            return node
        if mark == "{":
            return self.group(self.fenced)
        if mark == "\\frac":
            self.take()
            top = self.group(self.sum)
            return Quotient(top, self.group(self.sum))
        if mark == "\\sqrt":
            self.take()
            return Call("sqrt", (self.group(self.sum),))
        if mark == "\\sum" or (mark in ("\\max", "\\mathop") and self.over_follows()):
            return self.over()
        if mark in _CALLS or mark == "\\mathrm":
            function = _CALLS.get(self.take()) or self.group(self.letters)
            self.take("(")
            return Call(function, self.listed(")"))
        name = self.name()
        if self.peek() == "[":
            self.take()
            return Indexed(name, self.listed("]"))
        return Name(name)

    def fenced(self) -> Node:
        closing, function = _FENCES[self.take(*_FENCES)]
        return Call(function, self.listed(closing))

    def over_follows(self) -> bool:
        return self.peek() == "\\mathop" or self.peek(1) == "_"

    def over(self) -> Node:
        mark = self.take()
        function = "sum" if mark == "\\sum" else "max"
        if mark == "\\mathop":
            self.take("{")
            self.take("\\mathrm")
            function = self.group(self.letters)
            self.take("}")
            self.take("\\nolimits")
        self.take("_")
        self.take("{")
        if function == "sum":
            index = self.name()
            self.take("=")
            low = self.sum()
            self.take("}")
            self.take("^")
            last = self.group(self.sum)
        else:
            low = self.sum()
            self.take("\\le")
            index = self.name()
            self.take("\\le")
            last = self.sum()
            self.take("}")
        return Over(function, self.product(), (Range(index, low, Sum(((1, last), (1, Number_(1))))),))

    def letters(self) -> str:
        found = ""
        while self.peek() != "}":
            found += self.take()
        return found

    def name(self) -> str:
        mark = self.take()
        if mark == "\\mathit":
            return self.group(self.word)
        if mark == "\\cdot":
            head = ""
        elif mark.startswith("\\"):
            head = mark[1:]
            assert head in GREEK.values(), f"{mark} is no letter"
        else:
            head = mark
        return self.with_index(head)

    def word(self) -> str:
        head = ""
        while self.peek() not in ("}", "_"):
            head += self.take()
        return self.with_index(head)

    def with_index(self, head: str) -> str:
        if self.peek() == "_":
            self.take()
            return f"{head}_{self.group(self.index)}"
        return head

    def index(self) -> str:
        return "" if self.peek() in ("\\cdot", "dot") and self.peek(1) == "}" and self.take() else self.name()


def read_latex(text: str) -> Node:
    """Return the tree of a formula in LaTeX."""
    return Latex(text).whole()


_SIGNS = {"−": "-", "·": "dot", "⌊": "floor", "⌈": "ceil"}
_RIGHT = {"floor": "⌋", "ceil": "⌉"}
_ENDS = {"+", "-", "/", "dot", ",", ")", "]", "⌋", "⌉", "=", None}


class Mathml(Reader):
    """Reads MathML as it is seen: rows group nothing, since they cannot be seen."""

    def __init__(self, elements: list[ET.Element]) -> None:
        super().__init__([mark for each in elements for mark in _seen(each)])

    def begins(self) -> bool:
        return False  # factors always have a dot between them

    def factor(self) -> Node:
        node = self.primary()
        assert self.peek() in _ENDS, f"{self.peek()} beside {node}"
        return node

    def primary(self) -> Node:
        mark = self.take()
        if isinstance(mark, ET.Element):
            return self.built(mark)
        if mark == "(":
            return self.listed(")")[0]
        if mark in _RIGHT:
            return Call(mark, self.listed(_RIGHT[mark]))
        raise AssertionError(f"{mark} begins no factor")

    def built(self, element: ET.Element) -> Node:
        children = list(element)
        match element.tag:
            case "mn":
                return Number_(int(element.text or ""))
            case "mfrac":
                return Quotient(Mathml([children[0]]).whole(), Mathml([children[1]]).whole())
            case "msup":
                base = Mathml([children[0]])
                node = base.primary()
                assert base.peek() is None, "an exponent over more than one factor"
                return Exponent(node, Mathml([children[1]]).whole())
            case "msqrt":
                return Call("sqrt", (Mathml(children).whole(),))
            case "munderover":
                function = {"∑": "sum"}.get(children[0].text or "", children[0].text or "")
                low = Mathml([children[1]])
                index = _name(low.take())
                low.take("=")
                ends = Range(index, low.whole(), Sum(((1, Mathml([children[2]]).whole()), (1, Number_(1)))))
                return Over(function, self.product(), (ends,))
        name = _name(element)
        if self.peek() == "(":
            self.take()
            return Call(name, self.listed(")"))
        if self.peek() == "[":
            self.take()
            return Indexed(name, self.listed("]"))
        return Name(name)


def _seen(element: ET.Element) -> list[Any]:
    if element.tag == "mrow":
        return [mark for each in element for mark in _seen(each)]
    if element.tag == "mo":
        sign = element.text or ""
        return [_SIGNS.get(sign, sign)]
    return [element]


def _name(element: ET.Element) -> str:
    if element.tag == "msub":
        return "_".join(map(_name, element))
    assert element.tag == "mi", element.tag
    text = element.text or ""
    return GREEK.get(text, text)


def read_mathml(text: str) -> Node:
    """Return the tree of a formula in MathML."""
    return Mathml([ET.fromstring(f"<mrow>{text}</mrow>")]).whole()  # noqa: S314  (our own)
