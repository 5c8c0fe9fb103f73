"""What a name stands for where layers refer to one another: an output, or one per copy of a repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from convmath.spec.document import Path


@dataclass(frozen=True, slots=True)
class Output:
    """An output that has a name: its producer, and the nodes from ``start`` up to ``stop`` that make it."""

    producer: int
    start: int
    stop: int


@dataclass(slots=True)
class Names:
    """The names of the file outside blocks, or of one call of a block; a pass of a repeat has its own around them.

    ``prefix`` is what the full names begin with here, ``start`` the first producer that
    full names may lead to: a block does not see its caller's.
    """

    around: Names | None = None
    prefix: str = ""
    start: int = 0
    found: dict[str, dict[Path, list[Output]]] = field(default_factory=dict)

    def add(self, name: str, path: Path, *outputs: Output) -> None:
        """Let *name*, given at *path* in the file, stand for more outputs."""
        self.found.setdefault(name, {}).setdefault(path, []).extend(outputs)

    def leave(self) -> None:
        """Hand the names of a pass to the scope around the repeat, where each stands for all copies."""
        if self.around is not None:
            for name, places in self.found.items():
                for path, outputs in places.items():
                    self.around.add(name, path, *outputs)

    def lookup(self, name: str) -> list[list[Output]]:
        """Return what a name may stand for: one list of copies for each place in the file that gives it."""
        scope: Names | None = self
        while scope is not None:
            if name in scope.found:
                return list(scope.found[name].values())
            scope = scope.around
        return []

    @property
    def root(self) -> Names:
        """The names of the whole block, or of the file."""
        return self if self.around is None else self.around.root

    def near(self, name: str) -> str | None:
        """Return a known name that *name* may mean."""
        known: list[str] = []
        scope: Names | None = self
        while scope is not None:
            known.extend(scope.found)
            scope = scope.around
        return next(iter(get_close_matches(name, known, 1)), None)
