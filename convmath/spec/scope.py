"""What a name means at a place in a spec: a parameter, a ``let``, an index, or else a symbol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from convmath.errors import ExpressionError
from convmath.formula import Formula, Value
from convmath.spec.document import Path
from convmath.spec.expressions import is_name, parse_expression

MOST_NAMES = 100
"""So many names may stand for one another before a word or a list."""


@dataclass(slots=True)
class Argument:
    """What a file says a name stands for, read in the scope where it was written, when first used."""

    raw: Any
    scope: Scope
    path: Path
    used: bool = field(default=False, repr=False)
    _value: Value | None = field(default=None, repr=False)
    _open: bool = field(default=False, repr=False)

    def value(self, name: str) -> Value:
        """Return the number or formula.

        Raises ``ExpressionError`` with the path of the argument, for what is no number.
        """
        self.used = True
        if self._value is None:
            try:
                self._value = self._read(name)
            except RecursionError:
                raise ExpressionError(
                    "expr-too-deep", f"'{name}' stands for names that stand for too many others"
                ) from None
            except ExpressionError as error:
                if error.path is None:
                    error.path, error.text = self.path, self.raw if isinstance(self.raw, str) else ""
                raise
        return self._value

    def _read(self, name: str) -> Value:
        if isinstance(self.raw, int) and not isinstance(self.raw, bool):
            return self.raw
        if not isinstance(self.raw, str):
            raise ExpressionError("not-a-number", f"'{name}' stands for {self.raw!r} here, which is no number")
        if self._open:
            raise ExpressionError("circular", f"the value of '{name}' depends on itself")
        self._open = True
        try:
            return parse_expression(self.raw).evaluate(self.scope.lookup)
        finally:
            self._open = False


Bound: TypeAlias = int | Formula | Argument


class Scope:
    """Names and what they are bound to; what is not found here is looked up in the scope around."""

    def __init__(self, around: Scope | None, names: Mapping[str, Bound], in_channels: Value | None = None) -> None:
        self.around = around
        self.names = dict(names)
        self.in_channels = in_channels

    def bound(self, name: str) -> Bound | None:
        """Return what the name is bound to; None where it is bound nowhere."""
        if name in self.names:
            return self.names[name]
        return self.around.bound(name) if self.around is not None else None

    def plain(self, raw: Any) -> Any:
        """Return what *raw* stands for, following names to parameters that hold words or lists."""
        seen = 0
        scope = self
        while isinstance(raw, str) and is_name(raw) and seen < MOST_NAMES:
            bound = scope.bound(raw)
            if not isinstance(bound, Argument):
                break
            raw, scope, seen = bound.raw, bound.scope, seen + 1
        return raw

    def lookup(self, name: str) -> Value:
        """Return the value of a name in an expression.

        Raises ``ExpressionError`` for ``in_channels`` where no channels arrive.
        """
        if name == "in_channels":
            return self._arriving()
        bound = self.bound(name)
        if bound is None:
            return self.free(name)
        return bound.value(name) if isinstance(bound, Argument) else bound

    def free(self, name: str) -> Value:
        """Return the meaning of a name that is bound nowhere."""
        if self.around is None:
            raise ExpressionError("unknown-name", f"'{name}' is bound nowhere")
        return self.around.free(name)

    def _arriving(self) -> Value:
        scope: Scope | None = self
        while scope is not None:
            if scope.in_channels is not None:
                return scope.in_channels
            scope = scope.around
        raise ExpressionError("no-channels", "'in_channels' means something only at a layer or inside a block")


class FileScope(Scope):
    """The outermost scope: a name that is bound nowhere becomes a symbol."""

    def __init__(self, make_symbol: Callable[[str], Value]) -> None:
        super().__init__(None, {})
        self.make_symbol = make_symbol

    def free(self, name: str) -> Value:
        return self.make_symbol(name)


class WithoutScope(Scope):
    """A scope that does not see one name of the scope around: what ``--set n=n+1`` is read in."""

    def __init__(self, around: Scope, hidden: str) -> None:
        super().__init__(around, {})
        self.hidden = hidden

    def bound(self, name: str) -> Bound | None:
        return None if name == self.hidden else super().bound(name)
