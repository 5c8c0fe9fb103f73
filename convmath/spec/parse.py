"""Plain data to a network: the top level of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any

from convmath.errors import ExpressionError, LimitError, Problem, SpecError, UsageError, inert
from convmath.formula import Value, symbol
from convmath.limits import DEFAULT, Limits
from convmath.spec.build import MOST_NAME, MOST_PROBLEMS, STRUCTURE, Block, Builder, Frame
from convmath.spec.document import Document, Path
from convmath.spec.expressions import is_name, parse_expression
from convmath.spec.fields import show
from convmath.spec.graph import Network, SymbolInfo, check_range
from convmath.spec.inputs import read_inputs, read_outputs
from convmath.spec.kinds import ALIASES, VOCABULARY, field_kinds
from convmath.spec.reader import EntryReader
from convmath.spec.scope import Argument, FileScope, WithoutScope
from convmath.spec.sources import COMMON

VERSION = 1
KEYS = ("convmath", "name", "input", "inputs", "symbols", "let", "defaults", "blocks", "layers", "outputs", "about")
POSITION = "i"
"""The output position in formulas of receptive fields; no symbol may have this name."""


def parse(
    document: Document,
    settings: Mapping[str, int | str] | None = None,
    *,
    numbers: bool = False,
    limits: Limits = DEFAULT,
) -> Network:
    """Return the network that *document* describes.

    *settings* binds symbols and ``let`` names to numbers or expressions; *numbers* binds
    every symbol that is left to its default.

    Raises ``SpecError`` with all faults at once, ``LimitError`` for what is too large,
    ``UsageError`` for a setting of a name that the spec does not have.
    """
    return _Parser(document, dict(settings or {}), numbers, limits).network()


def parse_open(document: Document, limits: Limits) -> tuple[Network, FileScope, tuple[SymbolInfo, ...]]:
    """Return a network with the scope of its file and all symbols that the file declares: for statements about it."""
    parser = _Parser(document, {}, numbers=False, limits=limits)
    return parser.network(), parser.scope, tuple(parser.declared.values())


class _Parser:
    def __init__(self, document: Document, settings: dict[str, int | str], numbers: bool, limits: Limits) -> None:  # noqa: FBT001
        self.document, self.settings, self.numbers, self.limits = document, settings, numbers, limits
        self.data: dict[str, Any] = document.data if isinstance(document.data, dict) else {}
        self.problems: list[Problem] = []
        self.declared: dict[str, SymbolInfo] = {}
        self.symbols: dict[str, SymbolInfo] = {}
        self.free: set[str] = set()
        self.meant: set[str] = set()
        self.scope = FileScope(self._symbol)
        self.top = EntryReader(document, self.scope, ())

    def network(self) -> Network:
        if not isinstance(self.document.data, dict) or not self.data:
            raise self.top.refuse(
                "not-a-spec", "this is no spec", help="begin with 'convmath: 1', 'input: […]' and 'layers:'"
            )
        self._check_keys()
        self._declare_symbols()
        self._bind_names()
        inputs = read_inputs(self.top, self.data, self.meant, self._add)
        ranks = {each.name: len(each.sizes) for each in inputs}
        builder = Builder(self.document, self.limits, ranks, self._defaults())
        builder.problems = self.problems
        self._read_blocks(builder)
        start = Frame(self.scope, "", 0 if len(inputs) == 1 else None)
        if "layers" in self.data and (inputs or not isinstance(self.data["layers"], list)):
            builder.entries(self.data["layers"], ("layers",), start)
        returned = self._returned(builder, start)
        name = self._text("name", default="network")
        self._check_settings()
        if self.problems:
            raise self._faults()
        if not builder.nodes:
            raise self.top.refuse("no-layers", "the network has no layers", "layers")
        if self.numbers:
            self._check_defaults()
        symbols = tuple(self.symbols[each] for each in [*self.declared, *self.symbols] if each in self.symbols)
        return Network(
            name,
            inputs,
            tuple(dict.fromkeys(symbols)),
            tuple(builder.nodes),
            tuple(builder.groups),
            returned,
            self.data.get("about") or {},
            self.document,
        )

    def _returned(self, builder: Builder, end: Frame) -> tuple[int, ...]:
        try:
            return read_outputs(self.top, self.data, builder, end) if not self.problems else ()
        except SpecError as error:
            self._add(error)
            return ()

    def _add(self, error: SpecError) -> None:
        if isinstance(error, LimitError):
            raise error
        self.problems.extend(error.problems)
        if len(self.problems) >= MOST_PROBLEMS:
            raise self._faults()

    def _faults(self) -> SpecError:
        found = list(dict.fromkeys(self.problems))
        if len(self.problems) >= MOST_PROBLEMS:
            message = f"{len(found)} faults so far; the rest of the file was not read"
            found.append(Problem("too-many-faults", message, file=self.document.file))
        return SpecError(*found)

    def _check_keys(self) -> None:
        meant: set[str] = set()
        for key in self.data:
            if key not in KEYS:
                near = get_close_matches(key, KEYS, 1)
                help_ = f"did you mean '{near[0]}'?" if near else f"the keys are {', '.join(KEYS)}"
                self._add(self.top.refuse("unknown-key", f"'{key}' is no key of a spec", key, help=help_, key=True))
                meant.update(near)
        self.meant = meant - self.data.keys()
        version = self.data.get("convmath")
        if "convmath" not in self.data and "convmath" not in self.meant:
            self._add(
                self.top.refuse(
                    "no-version", "the version of the format is missing", help=f"begin with 'convmath: {VERSION}'"
                )
            )
        elif "convmath" in self.data and (version != VERSION or isinstance(version, bool)):
            message = f"version {show(version)} of the format is unknown"
            quoted = version == str(VERSION)
            help_ = f"write {VERSION} without quotes" if quoted else f"this convmath reads version {VERSION}"
            self._add(self.top.refuse("bad-version", message, "convmath", help=help_))
        if "layers" not in self.data and "layers" not in self.meant:
            self._add(self.top.refuse("missing-key", "'layers' is missing", help="list the layers, top to bottom"))
        about = self.data.get("about")
        if about is not None and not isinstance(about, dict):
            self._add(self.top.refuse("not-fields", f"{show(about)} is no mapping", "about"))

    def _text(self, key: str, *, default: str) -> str:
        held = self.data.get(key, default)
        if not isinstance(held, str) or not held or len(held) > MOST_NAME or not held.isprintable():
            self._add(
                self.top.refuse("bad-name", f"{show(held)} is no printable text of 1 to {MOST_NAME} characters", key)
            )
            return default
        return held

    def _mapping(self, key: str) -> dict[str, Any]:
        held = self.data.get(key)
        if held is None:
            return {}
        if not isinstance(held, dict):
            self._add(self.top.refuse("not-fields", f"{show(held)} is no mapping", key))
            return {}
        return held

    def _declare_symbols(self) -> None:
        for name, raw in self._mapping("symbols").items():
            try:
                self.declared[name] = self._declaration(name, raw if raw is not None else {})
            except SpecError as error:
                self._add(error)

    def _declaration(self, name: str, raw: Any) -> SymbolInfo:
        self._check_name(name, "symbols")
        if not isinstance(raw, dict):
            raise self.top.refuse(
                "not-fields", f"{show(raw)} is no mapping", "symbols", name, help="write {default: 224}"
            )
        for key in raw:
            if key not in ("min", "max", "default"):
                message = f"'{key}' says nothing about a symbol"
                raise self.top.refuse(
                    "unknown-field", message, "symbols", name, key, help="min, max and default do", key=True
                )
        found: dict[str, int] = {}
        for key, held in raw.items():
            value = EntryReader(self.document, self.scope, ("symbols", name)).number(held, key, minimum=0)
            if not isinstance(value, int):
                raise self.top.refuse("not-a-number", f"'{key}' must be a number", "symbols", name, key)
            found[key] = value
        info = SymbolInfo(name, found.get("min", 1), found.get("max"), found.get("default"))
        low, high, default = info.minimum, info.maximum, info.default
        if high is not None and high < low:
            raise self.top.refuse("out-of-range", f"max {high} is below min {low}", "symbols", name)
        if default is not None and (default < low or (high is not None and default > high)):
            raise self.top.refuse("out-of-range", f"the default {default} is outside the range", "symbols", name)
        return info

    def _check_name(self, name: str, section: str) -> None:
        if not is_name(name):
            message = f"'{name}' cannot be a name in expressions"
            raise self.top.refuse(
                "bad-name", message, section, name, help="letters, digits and _, and no function's name", key=True
            )
        if name == POSITION:
            raise self.top.refuse("bad-name", _POSITION_TAKEN, section, name, key=True)

    def _bind_names(self) -> None:
        for name, raw in self._mapping("let").items():
            try:
                self._check_name(name, "let")
                if name in self.declared:
                    raise self.top.refuse("name-taken", f"'{name}' is a symbol already", "let", name, key=True)
            except SpecError as error:
                self._add(error)
            self.scope.names[name] = Argument(raw, self.scope, ("let", name))
        self._check_let()
        for name, given in self.settings.items():
            try:
                if isinstance(given, str):
                    parse_expression(given)
            except ExpressionError as error:
                raise UsageError(f"{inert(name)}={inert(str(given))}: {inert(error.message)}") from None
            without = WithoutScope(self.scope, name)
            self.scope.names[name] = Argument(given, without, ("symbols", name))

    def _check_let(self) -> None:
        """Refuse values that are no expressions or depend on themselves, also where nothing uses them."""
        uses: dict[str, frozenset[str]] = {}
        for name, raw in self._mapping("let").items():
            try:
                uses[name] = parse_expression(raw).names - self.settings.keys() if isinstance(raw, str) else frozenset()
            except ExpressionError as error:
                self._add(self.top.faulty(error, raw, "let", name))
                self.scope.names[name] = 1
        try:
            TopologicalSorter({name: uses[name] for name in uses.keys() - self.settings.keys()}).prepare()
        except CycleError as error:
            circle = error.args[1][::-1]
            message = f"the value of '{circle[0]}' depends on itself: {' → '.join(circle)}"
            self._add(self.top.refuse("circular", message, "let", circle[0]))
            self.scope.names.update(dict.fromkeys(circle, 1))

    def _symbol(self, name: str) -> Value:
        """Return the symbol *name*, or its default where numbers are wanted."""
        if name == POSITION:
            raise ExpressionError("bad-name", _POSITION_TAKEN)
        info = self.declared.get(name, SymbolInfo(name))
        self.free.add(name)
        if self.numbers and info.default is not None:
            return info.default
        if name not in self.symbols and len(self.symbols) >= self.limits.symbols:
            message = f"more than {self.limits.symbols} symbols"
            help_ = f"{self.limits.flag('symbols')} raises the limit"
            raise LimitError(Problem("too-many-symbols", message, help_, file=self.document.file))
        self.symbols[name] = info
        return symbol(name)

    def _check_settings(self) -> None:
        """Refuse settings of names that the spec does not have, and values out of range.

        A faulty value is told alone, since faults in the file may follow from it.
        """
        faults: list[Problem] = []
        known = {*self.declared, *self._mapping("let"), *self.free}
        for name in self.settings:
            bound = self.scope.names[name]
            used = name in known or (isinstance(bound, Argument) and bound.used)
            if not used and not self.problems:
                near = get_close_matches(name, sorted(known), 1)
                hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
                raise UsageError(f"the spec has no symbol or value '{inert(name)}' to set; {hint}")
            if used:
                faults.extend(self._setting_faults(name))
        if faults:
            raise SpecError(*faults)

    def _setting_faults(self, name: str) -> Iterator[Problem]:
        option = f"--set {name}={self.settings[name]}"
        try:
            value = self.scope.lookup(name)
            if name in self.declared or name not in self._mapping("let"):
                check_range(self.declared.get(name, SymbolInfo(name)), value)
        except ExpressionError as error:
            yield Problem(error.code, f"{option}: {error.message}", error.help)
        except SpecError as error:
            yield from (replace(each, message=f"{option}: {each.message}") for each in error.problems)

    def _check_defaults(self) -> None:
        missing = [name for name, info in self.symbols.items() if info.default is None]
        if missing:
            message = f"no default for {', '.join(missing)}"
            help_ = f"give a value: --set {missing[0]}=3"
            raise SpecError(Problem("no-default", message, help_, file=self.document.file))

    def _defaults(self) -> dict[str, dict[str, tuple[Any, Path]]]:
        found: dict[str, dict[str, tuple[Any, Path]]] = {}
        for word, fields in self._mapping("defaults").items():
            kind = ALIASES.get(word, word)
            if kind not in VOCABULARY:
                near = get_close_matches(word, [*VOCABULARY, *ALIASES], 1)
                help_ = f"did you mean '{near[0]}'?" if near else None
                self._add(
                    self.top.refuse(
                        "unknown-kind", f"'{word}' is no kind of layer", "defaults", word, help=help_, key=True
                    )
                )
            elif not isinstance(fields, dict):
                self._add(self.top.refuse("not-fields", f"{show(fields)} is no mapping", "defaults", word))
            else:
                kinds = field_kinds(VOCABULARY[kind])
                for name in fields:
                    if name not in kinds:
                        near = get_close_matches(name, kinds, 1)
                        help_ = f"did you mean '{near[0]}'?" if near else None
                        message = f"'{name}' is not a field of '{kind}'"
                        self._add(
                            self.top.refuse("unknown-field", message, "defaults", word, name, help=help_, key=True)
                        )
                found[kind] = {name: (raw, ("defaults", word, name)) for name, raw in fields.items()}
        return found

    def _read_blocks(self, builder: Builder) -> None:
        for name, raw in self._mapping("blocks").items():
            try:
                builder.blocks[name] = self._block(name, raw)
            except SpecError as error:
                builder.faulty.add(name)
                self._add(error)

    def _block(self, name: str, raw: Any) -> Block:
        path = ("blocks", name)
        if name in VOCABULARY or name in ALIASES or name in STRUCTURE:
            raise self.top.refuse("name-taken", f"'{name}' is a kind of layer already", *path, key=True)
        if not isinstance(raw, dict) or not isinstance(raw.get("layers"), list):
            raise self.top.refuse("missing-field", f"the block '{name}' needs 'layers', a list", *path, key=True)
        for key in raw:
            if key not in ("params", "let", "layers"):
                raise self.top.refuse(
                    "unknown-field",
                    f"'{key}' is not a field of a block",
                    *path,
                    key,
                    help="params, let and layers are",
                    key=True,
                )
        params: dict[str, tuple[Any, Path] | None] = {}
        listed = [] if raw.get("params") is None else raw["params"]
        if not isinstance(listed, list):
            raise self.top.refuse(
                "not-a-list", f"{show(listed)} is no list", *path, "params", help="write [channels, {stride: 1}]"
            )
        for at, each in enumerate(listed):
            word, default = next(iter(each.items())) if isinstance(each, dict) and len(each) == 1 else (each, None)
            if not isinstance(word, str) or not (is_name(word) and word not in COMMON):
                raise self.top.refuse("bad-name", f"{show(word)} cannot name a parameter", *path, "params", at)
            if word in params:
                raise self.top.refuse("name-taken", f"the parameter '{word}' is given twice", *path, "params", at)
            params[word] = (default, (*path, "params", at, word)) if isinstance(each, dict) else None
        let = {} if raw.get("let") is None else raw["let"]
        if not isinstance(let, dict) or not all(is_name(each) for each in let):
            raise self.top.refuse("not-fields", f"{show(let)} binds no names", *path, "let")
        twice = [each for each in let if each in params]
        if twice:
            message = f"'{twice[0]}' is a parameter already"
            raise self.top.refuse("name-taken", message, *path, "let", twice[0], key=True)
        return Block(name, params, let, raw["layers"], path)


_POSITION_TAKEN = f"'{POSITION}' numbers the output positions of receptive fields; choose another name"
