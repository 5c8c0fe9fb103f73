"""Errors that say where, what, the numbers, and the way out; each class carries its exit status."""

from __future__ import annotations

from dataclasses import dataclass, field


def inert(text: str) -> str:
    """Return *text* with every unprintable character written as an escape.

    Names come from strangers' files; a terminal must never obey them.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a text file; line and column count from 1."""

    file: str
    line: int
    column: int
    width: int
    text: str

    def frame(self) -> str:
        """Return the line with a caret under the spot, cut to what a terminal shows."""
        gutter = " " * len(str(self.line))
        begin = max(0, self.column - 60)
        shown = inert(self.text[begin : begin + 100])
        caret_at = len(inert(self.text[begin : self.column - 1]))
        width = max(1, min(self.width, len(shown) - caret_at))
        lines = (f"{gutter} |", f"{self.line} | {shown}", f"{gutter} | {' ' * caret_at}{'^' * width}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: a code for machines, a message with the numbers, and what to do about it."""

    code: str
    message: str
    help: str | None = None
    path: tuple[str | int, ...] = field(default=(), kw_only=True)
    spot: Spot | None = field(default=None, kw_only=True)
    file: str | None = field(default=None, kw_only=True)
    """The file, for a fault that has no spot in it."""

    def __str__(self) -> str:
        head = f"error[{self.code}]: {inert(self.message)}"
        if self.spot is not None:
            head = f"{inert(self.spot.file)}:{self.spot.line}:{self.spot.column}: {head}\n{self.spot.frame()}"
        else:
            where = (self.file, show_path(self.path))
            head = "".join(f"{inert(each)}: " for each in where if each) + head
        if self.help is not None:
            margin = " " * len(str(self.spot.line)) if self.spot else " "
            head += f"\n{margin} = help: {inert(self.help)}"
        return head


def show_path(path: tuple[str | int, ...]) -> str:
    """Return a path into a document as people write it: ``layers[3].conv.stride``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


class ConvmathError(Exception):
    """The base of every error that convmath raises on purpose."""

    exit_status = 70


class CheckFailed(ConvmathError):  # noqa: N818  (it is an outcome, not a fault of the program)
    """A check that the user asked for did not hold."""

    exit_status = 1


class UsageError(ConvmathError):
    """Wrong usage: an option, a file, a zoo name or a ``--set`` name that does not exist."""

    exit_status = 2


class SpecError(ConvmathError):
    """The spec or the network is invalid; ``problems`` lists every fault that was found."""

    exit_status = 3

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n\n".join(str(problem) for problem in problems))
        self.problems = problems


class ExpressionError(ConvmathError):
    """A text is no expression of the grammar; ``column`` counts from 1 inside the text.

    ``path`` and ``text`` say where in a document it was written, where that is not where it was used.
    """

    exit_status = 3

    def __init__(self, code: str, message: str, column: int = 1, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.column, self.help = code, message, column, help
        self.path: tuple[str | int, ...] | None = None
        self.text = ""


class UnsupportedError(ConvmathError):
    """A missing extra, or a model that convmath does not support."""

    exit_status = 4


class LimitError(SpecError):
    """A limit would be exceeded; the message gives the estimate and the flag that raises it."""

    exit_status = 5
