"""Settings for a network that no document describes: an imported one. A spec is read anew with them instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from convmath.errors import ExpressionError, LimitError, Problem, SpecError, UsageError, inert
from convmath.formula import Value, symbol
from convmath.limits import DEFAULT, Limits
from convmath.spec.expressions import parse_expression
from convmath.spec.graph import Network, SymbolInfo
from convmath.spec.parse import POSITION
from convmath.spec.scope import Argument, FileScope, WithoutScope


def with_settings(
    network: Network, settings: Mapping[str, int | str], *, numbers: bool = False, limits: Limits = DEFAULT
) -> Network:
    """Return the network with symbols bound to numbers or expressions; with *numbers* all others to their defaults.

    Raises ``UsageError`` for a symbol that the network does not have, ``SpecError`` for a
    value that does not fit or a default that is missing, ``LimitError`` for too many symbols.
    """
    known = {each.name: each for each in network.symbols}
    defaults = {name: info.default for name, info in known.items() if info.default is not None} if numbers else {}
    kept: dict[str, SymbolInfo] = {}

    def free(name: str) -> Value:
        if name == POSITION:
            raise ExpressionError("bad-name", f"'{name}' numbers the output positions of receptive fields")
        if name in defaults:
            return defaults[name]
        kept[name] = known.get(name, SymbolInfo(name))
        return symbol(name)

    scope = FileScope(free)
    for name, given in settings.items():
        _check(name, given, known)
        scope.names[name] = Argument(given, WithoutScope(scope, name), ())
    values: dict[str, Value] = {name: each for name, each in defaults.items() if name not in settings}
    for name, given in settings.items():
        try:
            values[name] = scope.lookup(name)
        except ExpressionError as error:
            message = f"--set {name}={given}: {error.message}"
            raise SpecError(Problem(error.code, message, error.help)) from None
    bound = network.bind(values) if values else network
    left = {each.name: each for each in bound.symbols} | kept
    if numbers and left:
        message = f"no default for {', '.join(left)}"
        raise SpecError(Problem("no-default", message, f"give a value: --set {next(iter(left))}=3"))
    if len(left) > limits.symbols:
        help_ = f"{limits.flag('symbols')} raises the limit"
        raise LimitError(Problem("too-many-symbols", f"more than {limits.symbols} symbols", help_))
    return replace(bound, symbols=tuple(left.values()))


def _check(name: str, given: int | str, known: Mapping[str, SymbolInfo]) -> None:
    if name not in known:
        near = get_close_matches(name, sorted(known), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
        raise UsageError(f"the network has no symbol '{inert(name)}' to set; {hint}")
    try:
        if isinstance(given, str):
            parse_expression(given)
    except ExpressionError as error:
        raise UsageError(f"{inert(name)}={inert(str(given))}: {inert(error.message)}") from None
