"""Names of a stranger's graph, made fit to be shown, and free text in the place of sizes, made symbols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from convmath.errors import LimitError, Problem, inert
from convmath.limits import Limits
from convmath.spec.build import MOST_NAME
from convmath.spec.expressions import is_name
from convmath.spec.graph import AXES
from convmath.spec.parse import POSITION

UNKNOWN = frozenset({"?", "None", "unk", "-1"})
"""What exporters write where they do not know a size: it names none, and two of them need not be equal."""


@dataclass(slots=True)
class LayerNames:
    """Hands out names that can be printed, are not too long, and are each given once."""

    taken: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    """How often each text was wanted; trying every number anew would take a file of equal names quadratic time."""

    def take(self, *wanted: str) -> str:
        """Return the first of *wanted* that is not empty, made fit and unique."""
        text = next((each for each in map(shown, wanted) if each), "layer")
        found = text
        while found in self.taken:
            self.counts[text] += 1
            end = f"_{self.counts[text] + 1}"
            found = text[: MOST_NAME - len(end)] + end
        self.taken.add(found)
        return found


def shown(text: str) -> str:
    """Return a name with what cannot be printed escaped, cut to the length of a name."""
    return inert(text[: MOST_NAME + 1])[:MOST_NAME].strip()


@dataclass(slots=True)
class SizeNames:
    """Symbols for the sizes that a file leaves open.

    A size that is called by a word keeps it. All other text is a label and nothing else:
    it is never read as an expression, and equal texts are the same symbol, unless they
    only say that the size is not known.
    """

    limits: Limits
    file: str
    words: set[str]
    given: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str], limits: Limits, file: str) -> SizeNames:
        """Return the names for a file whose sizes are called *texts*; the words among them are kept."""
        return cls(limits, file, {text for text in texts if text not in UNKNOWN and fits(text)})

    def take(self, text: str, axis: int, rank: int) -> str:
        """Return the symbol for the size of an axis, counted from 0 for the channels; *text* is empty where unnamed."""
        if text in self.words:
            return self._count(text)
        if text in self.given:
            return self.given[text]
        name = next(each for each in _candidates(axis, rank) if each not in self.words and each not in self.labels)
        self._count(name)
        self.labels[name] = "" if text in UNKNOWN else shown(text)
        if text and text not in UNKNOWN:
            self.given[text] = name
        return name

    def _count(self, name: str) -> str:
        used = self.words | self.labels.keys() | {name}
        if len(used) > self.limits.symbols:
            message = f"more than {self.limits.symbols} symbols"
            help_ = f"{self.limits.flag('symbols')} raises the limit"
            raise LimitError(Problem("too-many-symbols", message, help_, file=self.file))
        return name


def fits(text: str) -> bool:
    """Tell whether a symbol can be called so."""
    return is_name(text) and text != POSITION


def _candidates(axis: int, rank: int) -> Iterator[str]:
    if axis == 0:
        yield "C"
    elif rank in AXES:
        yield AXES[rank][axis - 1]
    at = 0
    while True:
        yield f"d{at}"
        at += 1
