"""The names of the zoo and their specs.

A file of the zoo that begins with ``base: NAME`` is the spec of another network of the
zoo with the sections that it gives in place of that network's: ResNet-101 is ResNet-50
with other repeats, another name and other figures. Only the zoo knows this key; a spec
of a user never opens another file.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from convmath.errors import UsageError, inert

PREFIX = "zoo:"
_HERE = Path(__file__).parent
_SECTION = re.compile(r"^(?=[a-z_]+:)", re.MULTILINE)


def names() -> tuple[str, ...]:
    """Return the names of all networks, sorted."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.yaml")))


def spec_of(name: str) -> str:
    """Return the spec of *name* as text; Raises ``UsageError`` with near misses where there is none."""
    known = names()
    if name not in known:
        near = get_close_matches(name, known, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "'convmath zoo' lists them"
        raise UsageError(f"the zoo has no '{inert(name)}'; {hint}")
    text = (_HERE / f"{name}.yaml").read_text(encoding="utf-8")
    sections = _sections(text)
    base = sections.pop("base", None)
    return text if base is None else _overlaid(spec_of(base.removeprefix("base:").strip()), sections)


def _overlaid(base: str, sections: dict[str, str]) -> str:
    """Return the text of *base* with sections replaced; those that it does not have come before its layers."""
    found = _sections(base)
    added = {key: text for key, text in sections.items() if key not in found}
    parts: list[str] = []
    for key, text in found.items():
        if key == "layers":
            parts.extend(added.values())
        blank = text[len(text.rstrip()) :]
        parts.append(sections[key].rstrip() + blank if key in sections else text)
    return "".join(parts)


def _sections(text: str) -> dict[str, str]:
    """Return the text of every top-level key, with the lines up to the next one."""
    return {part.partition(":")[0]: part for part in _SECTION.split(text) if ":" in part}
