"""Claims: what somebody states about a quantity of a network, read from a file to be put on trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from convmath.errors import ExpressionError, LimitError, Problem, SpecError, UsageError
from convmath.formula import Formula, Value, symbol
from convmath.limits import DEFAULT, Limits
from convmath.quantity import Quantity, parse_quantity
from convmath.spec.build import MOST_NAME, MOST_PROBLEMS
from convmath.spec.document import Document, Path
from convmath.spec.expressions import Comparison, Expression, parse_condition, parse_expression
from convmath.spec.fields import show
from convmath.spec.graph import Network, SymbolInfo
from convmath.spec.parse import POSITION, VERSION, parse_open
from convmath.spec.reader import EntryReader
from convmath.spec.scope import FileScope, Scope

HEAD = "convmath-claims"
KEYS = (HEAD, "name", "claims", "about")
OF_NETWORK = ("input", "inputs", "symbols", "let", "defaults", "blocks", "layers", "outputs")
CLAIM_KEYS = ("id", "source", *OF_NETWORK, "quantity", "relation", "formula", "where", "expect", "about")
RELATED = ("==", "<=", "<", ">=", ">", "!=")
EXPECTATIONS = ("not refuted", "proved", "confirmed", "refuted")


@dataclass(frozen=True, slots=True)
class Claim:
    """A formula for a quantity of a network, and the integers for which it is said to hold.

    ``names`` gives what the names in formula and conditions stand for: symbols, and the
    values that ``let`` binds. ``symbols`` are those of the network, and those that only the
    claim speaks of.
    """

    id: str
    source: str
    network: Network
    symbols: tuple[SymbolInfo, ...]
    names: Mapping[str, Value]
    quantity: Quantity
    relation: str
    formula: Expression
    where: tuple[Comparison, ...]
    expect: str
    document: Document

    def refuse(self, code: str, message: str, *path: str | int, help: str | None = None) -> SpecError:
        """Return the error for a value of the claim."""
        return SpecError(self.document.problem(code, message, help, path=path))

    def lookup(self, name: str) -> Value:
        """Return what a name in the formula stands for."""
        return self.names[name]


@dataclass(frozen=True, slots=True)
class Claims:
    """A file of claims."""

    name: str
    claims: tuple[Claim, ...]


def read_claims(document: Document, limits: Limits = DEFAULT) -> Claims:
    """Return the claims of a document.

    Raises ``SpecError`` with all faults of all claims at once, ``LimitError`` for what is
    too large.
    """
    return _Reader(document, limits).claims()


class _Reader:
    def __init__(self, document: Document, limits: Limits) -> None:
        self.document, self.limits = document, limits
        self.data: dict[str, Any] = document.data if isinstance(document.data, dict) else {}
        self.top = EntryReader(document, Scope(None, {}), ())
        self.problems: list[Problem] = []
        self.layers = 0

    def claims(self) -> Claims:
        if not self.data:
            help_ = f"begin with '{HEAD}: {VERSION}' and 'claims:'"
            raise self.top.refuse("not-claims", "these are no claims", help=help_)
        self._check_keys()
        listed = self.data.get("claims")
        if "claims" in self.data and (not isinstance(listed, list) or not listed):
            self._add(self.top.refuse("not-claims", f"{show(listed)} is no list of claims", "claims"))
        found: list[Claim] = []
        for at, raw in enumerate(listed if isinstance(listed, list) else []):
            found.extend(self._claim(at, raw))
            if len(self.problems) >= MOST_PROBLEMS:
                break
        self._check_ids(found)
        if self.problems:
            raise SpecError(*dict.fromkeys(self.problems))
        return Claims(self.document.file, tuple(found))

    def _add(self, error: SpecError, under: Path = ()) -> None:
        if isinstance(error, LimitError):
            raise error
        self.problems.extend(replace(each, path=(*under, *each.path)) for each in error.problems)

    def _check_keys(self) -> None:
        meant = self._unknown(self.data, KEYS, ())
        version = self.data.get(HEAD)
        if HEAD not in self.data and HEAD not in meant:
            help_ = f"begin with '{HEAD}: {VERSION}'"
            self._add(self.top.refuse("no-version", "the version of the format is missing", help=help_))
        elif HEAD in self.data and (version != VERSION or isinstance(version, bool)):
            message = f"version {show(version)} of the format is unknown"
            self._add(self.top.refuse("bad-version", message, HEAD, help=f"this convmath reads version {VERSION}"))
        if "claims" not in self.data and "claims" not in meant:
            self._add(self.top.refuse("missing-key", "'claims' is missing", help="list the claims"))

    def _unknown(self, data: Mapping[str, Any], known: tuple[str, ...], path: Path) -> set[str]:
        """Refuse unknown keys; return the known ones that they come near."""
        meant: set[str] = set()
        for key in data:
            if key not in known:
                near = get_close_matches(key, known, 1)
                help_ = f"did you mean '{near[0]}'?" if near else f"the keys are {', '.join(known)}"
                self._add(self.top.refuse("unknown-key", f"'{key}' is no key here", *path, key, help=help_, key=True))
                meant.update(near)
        return meant

    def _claim(self, at: int, raw: Any) -> Iterator[Claim]:
        """Yield the claim, if it has no fault."""
        path = ("claims", at)
        before = len(self.problems)
        if not isinstance(raw, dict):
            self._add(self.top.refuse("not-a-claim", f"{show(raw)} is no claim", *path, help="write 'formula: …'"))
            return
        meant = self._unknown(raw, CLAIM_KEYS, path)
        for key in ("quantity", "formula", "layers"):
            if key not in raw and key not in meant:
                self._add(self.top.refuse("missing-key", f"the claim has no '{key}'", *path))
        id_ = self._text(raw, "id", path, default=str(at + 1))
        source = self._text(raw, "source", path, default="")
        expect = self._word(raw, "expect", EXPECTATIONS, path)
        relation = self._word(raw, "relation", RELATED, path)
        quantity = self._quantity(raw, path)
        opened = self._network(raw, path, id_) if "layers" in raw else None
        if opened is None or quantity is None or "formula" not in raw:
            return
        try:
            statement = _Statement(self.document.part(path, raw), *opened, quantity, raw)
            symbols, names = statement.names()
        except SpecError as error:
            self._add(error, path)
            return
        if len(self.problems) == before:
            network, document = opened[0], statement.document
            formula, where = statement.formula, tuple(statement.where)
            yield Claim(id_, source, network, symbols, names, quantity, relation, formula, where, expect, document)

    def _text(self, raw: dict[str, Any], key: str, path: Path, *, default: str) -> str:
        held = raw.get(key, default)
        held = str(held) if isinstance(held, int) and not isinstance(held, bool) else held
        if held != default and (not isinstance(held, str) or not 0 < len(held) <= MOST_NAME or not held.isprintable()):
            message = f"{show(held)} is no printable text of 1 to {MOST_NAME} characters"
            self._add(self.top.refuse("bad-name", message, *path, key))
            return default
        return str(held)

    def _word(self, raw: dict[str, Any], key: str, words: tuple[str, ...], path: Path) -> str:
        """Return one word out of a few, the first where none is given."""
        held = raw.get(key, words[0])
        if held not in words:
            self._add(self.top.refuse("unknown-word", f"{show(held)} is not one of {', '.join(words)}", *path, key))
            return words[0]
        return str(held)

    def _quantity(self, raw: dict[str, Any], path: Path) -> Quantity | None:
        if "quantity" not in raw:
            return None
        try:
            return parse_quantity(str(raw["quantity"]))
        except UsageError as error:
            self._add(self.top.refuse("bad-quantity", str(error), *path, "quantity"))
            return None

    def _network(
        self, raw: dict[str, Any], path: Path, name: str
    ) -> tuple[Network, FileScope, tuple[SymbolInfo, ...]] | None:
        """Return the network of a claim, its names and the symbols that the claim declares; None where it is faulty."""
        data = {"convmath": VERSION, "name": name} | {key: raw[key] for key in OF_NETWORK if key in raw}
        try:
            network, scope, declared = parse_open(self.document.part(path, data), self.limits)
        except SpecError as error:
            self._add(error, path)
            return None
        self.layers += len(network.nodes)
        if self.layers > self.limits.layers:
            message = f"more than {self.limits.layers} layers in all claims"
            help_ = f"{self.limits.flag('layers')} raises the limit"
            raise LimitError(self.document.problem("too-many-layers", message, help_, path=path))
        return network, scope, declared

    def _check_ids(self, found: list[Claim]) -> None:
        seen: set[str] = set()
        for claim in found:
            if claim.id in seen:
                self._add(claim.refuse("name-taken", f"the id '{claim.id}' is given twice", "id"))
            seen.add(claim.id)


class _Statement:
    """Formula and conditions of one claim, in the scope of its network."""

    def __init__(
        self,
        document: Document,
        network: Network,
        scope: FileScope,
        declared: tuple[SymbolInfo, ...],
        quantity: Quantity,
        raw: dict[str, Any],
    ) -> None:
        self.document, self.network, self.scope = document, network, scope
        self.reader = EntryReader(document, scope, ())
        self.symbols = {each.name: each for each in (*network.symbols, *declared)}
        if {"first", "last"} & set(quantity.steps):
            self.symbols.setdefault(POSITION, SymbolInfo(POSITION, 0))
        self.formula = self._formula(raw["formula"])
        self.where = list(self._conditions(raw.get("where") or []))

    def _formula(self, raw: Any) -> Expression:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise self.reader.refuse("not-a-number", f"{show(raw)} is no formula", "formula")
        try:
            return parse_expression(str(raw))
        except ExpressionError as error:
            raise self.reader.faulty(error, str(raw), "formula") from None

    def _conditions(self, raw: Any) -> Iterator[Comparison]:
        paths: list[tuple[Any, Path]] = [(raw, ("where",))]
        if isinstance(raw, list):
            paths = [(each, ("where", at)) for at, each in enumerate(raw)]
        for each, path in paths:
            if not isinstance(each, str):
                raise self.reader.refuse("not-a-condition", f"{show(each)} is no condition", *path)
            try:
                comparisons = parse_condition(each)
                for side in (side for one in comparisons for side in (one.left, one.right)):
                    self._evaluate(side)
            except ExpressionError as error:
                raise self.reader.faulty(error, each, *path) from None
            yield from comparisons

    def names(self) -> tuple[tuple[SymbolInfo, ...], dict[str, Value]]:
        """Return all symbols, and what each name in formula and conditions stands for."""
        try:
            self._evaluate(self.formula)
        except ExpressionError as error:
            raise self.reader.faulty(error, self.formula.text, "formula") from None
        sides = [side for each in self.where for side in (each.left, each.right)]
        used = frozenset().union(*(each.names for each in (self.formula, *sides)))
        position = {POSITION} - used
        symbols = tuple(each for name, each in self.symbols.items() if name not in position)
        return symbols, {name: self._lookup(name) for name in used}

    def _evaluate(self, expression: Expression) -> Value:
        return expression.evaluate(self._lookup)

    def _lookup(self, name: str) -> Value:
        """Return what a name stands for; one that neither the network nor the claim has is refused."""
        if name in self.symbols:
            return symbol(name)
        value = self.scope.lookup(name) if self.scope.bound(name) is not None else None
        unknown = [name] if value is None else sorted(_names(value) - self.symbols.keys())
        if value is None or unknown:
            known = sorted({*self.symbols, *self.scope.names})
            near = get_close_matches(unknown[0], known, 1)
            help_ = f"did you mean '{near[0]}'?" if near else f"the network has {', '.join(known) or 'no symbols'}"
            message = f"'{unknown[0]}' is no symbol of the network; what only the claim has goes under 'symbols'"
            raise ExpressionError("unknown-name", message, 1, help_)
        return value


def _names(value: Value) -> frozenset[str]:
    return value.names if isinstance(value, Formula) else frozenset()
