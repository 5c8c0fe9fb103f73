"""The names of the zoo and their files."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from convmath.errors import UsageError, inert

PREFIX = "zoo:"
_HERE = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of all networks, sorted."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.yaml")))


def path_of(name: str) -> Path:
    """Return the spec file of *name*; Raises ``UsageError`` with near misses where there is none."""
    known = names()
    if name not in known:
        near = get_close_matches(name, known, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "'convmath zoo' lists them"
        raise UsageError(f"the zoo has no '{inert(name)}'; {hint}")
    return _HERE / f"{name}.yaml"
