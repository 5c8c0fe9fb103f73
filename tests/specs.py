"""Random spec files as plain data, made from the declared fields of every kind, and faults to plant in them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from convmath.spec.branches import MERGES
from convmath.spec.fields import REQUIRED, SAME, Amount, Choice, FieldKind, Flag, PerAxis, Reach, Real, Size, Sizes
from convmath.spec.given import GivenNumbers
from convmath.spec.kinds import ALIASES, VOCABULARY, field_kinds
from convmath.spec.schema import MERGING

Strategy = st.SearchStrategy[Any]
Step = str | int

RANK = 2
BOUND = {"flag": True, "word": "reflect", "pads": SAME, "axes": [3, 5], "real": 0.5, "merge": "concat"}
"""Values of names in files that have a ``let``."""
BLOCK = "body"
LAST = ("flatten", "softmax")
"""What may come last only: no image leaves it, or it says so."""
CHOOSY = [kind for kind, cls in VOCABULARY.items() if "clash" in vars(cls)]
"""Kinds some of whose values do not go together, which only the reader knows; the tests write them by hand."""
KINDS = [word for word in (*VOCABULARY, *ALIASES) if word not in (*LAST, *MERGING, *CHOOSY)]
FIRST = "relu1"
"""The name of the first layer."""


def _number(minimum: int) -> Strategy:
    return st.one_of(st.integers(minimum, minimum + 9), st.sampled_from(["H", "2*width", "max(H, 3)", " W // 2 + 1"]))


def _per_axis(kind: PerAxis, *, names: bool) -> Strategy:
    one = _number(kind.minimum)
    return st.one_of(one, st.lists(one, min_size=RANK, max_size=RANK), *[st.just("axes")] * names)


def _amount(kind: Amount, *, names: bool) -> Strategy:
    one = _number(0)
    words = [st.sampled_from(kind.words)] if kind.words else []
    entry = st.one_of(one, *words, st.lists(one, min_size=2, max_size=2))
    bound = [st.just("pads")] if names and kind.words else []
    return st.one_of(one, *words, *bound, st.lists(entry, min_size=RANK, max_size=RANK))


def _real(kind: Real, *, names: bool) -> Strategy:
    number = st.floats(max(kind.low, 0), min(kind.high, 1))
    texts = [st.just("0.25"), st.just("2.5e-1"), *[st.just("real")] * names] if kind.low <= 0.25 else []
    return st.one_of(number, st.just(1), *texts)


STRATEGIES: dict[type, Callable[..., Strategy]] = {
    Size: lambda kind, *, names: _number(kind.minimum),
    PerAxis: _per_axis,
    Amount: _amount,
    Flag: lambda kind, *, names: st.one_of(st.booleans(), *[st.just("flag")] * names),
    Choice: lambda kind, *, names: st.one_of(
        st.sampled_from(kind.words), *[st.just("word")] * (names and BOUND["word"] in kind.words)
    ),
    Real: _real,
    GivenNumbers: lambda kind, *, names: st.sampled_from(
        [None, 0, -2.5, "1/9", "sum", "gaussian"][: 9 * kind.named + 1]
    ),
    Reach: lambda kind, *, names: st.one_of(_per_axis(PerAxis(), names=names), st.just("all")),
    Sizes: lambda kind, *, names: st.lists(
        _number(kind.minimum), min_size=kind.wanted or RANK + 1, max_size=kind.wanted or RANK + 1
    ),
}
"""What may stand in a file for every kind of field."""


def _value(kind: FieldKind, *, names: bool) -> Strategy:
    return STRATEGIES[type(kind)](kind, names=names)


@st.composite
def fields(
    draw: Callable[[Strategy], Any], word: str, *, required: bool, optional: bool, names: bool
) -> dict[str, Any]:
    """Return fields of a kind: those that it requires, some of the others, or both."""
    cls = VOCABULARY[ALIASES.get(word, word)]
    kinds = field_kinds(cls)
    chosen = {
        name: kind for name, kind in kinds.items()
        if (required if kind.default is REQUIRED else optional and draw(st.booleans()))
    }  # fmt: skip
    given = {name: draw(_value(kind, names=names)) for name, kind in chosen.items()}
    # What takes several maps would have to name them.
    return {name: held for name, held in given.items() if (name, held) != cls.joins_when}


@st.composite
def layers(draw: Callable[[Strategy], Any], *, names: bool) -> Any:
    """Return one entry for a layer, in any of its forms."""
    word = draw(st.sampled_from(KINDS))
    cls = VOCABULARY[ALIASES.get(word, word)]
    kinds = field_kinds(cls)
    required = [name for name, kind in kinds.items() if kind.default is REQUIRED]
    forms: list[Strategy] = [fields(word, required=True, optional=True, names=names).map(lambda given: {word: given})]
    if not required:
        forms += [st.just(word), st.just({word: None})]
    if cls.value and required in ([], [cls.value]):
        forms.append(_value(kinds[cls.value], names=names).map(lambda given: {word: given}))
    return draw(st.one_of(*forms))


def stacks(*, names: bool) -> Strategy:
    """Return lists of entries, structure among them."""
    merge = st.sampled_from([*MERGES, *["merge"] * names])

    def structured(inner: Strategy) -> Strategy:
        passes = st.fixed_dictionaries(
            {"times": st.sampled_from([1, 2, "n", "2*n + 1"]), "layers": inner},
            optional={"index": st.sampled_from(["j", None])},
        )
        around = st.fixed_dictionaries({"layers": inner}, optional={"shortcut": st.one_of(inner, st.none())})
        branches = st.fixed_dictionaries({"merge": merge, "branches": st.lists(inner, min_size=1, max_size=3)})
        structure = {"repeat": passes, "residual": st.one_of(inner, around), "parallel": branches}
        nested = [held.map(lambda each, word=word: {word: each}) for word, held in structure.items()]
        return st.lists(st.one_of(layers(names=names), *nested), max_size=3)

    return st.recursive(st.lists(layers(names=names), min_size=1, max_size=3), structured, max_leaves=4)


@st.composite
def connected(draw: Callable[[Strategy], Any], entries: list[Any], known: list[str]) -> list[Any]:
    """Return entries that take what comes from others, share parameters or join outputs; *known* gets their names."""
    for at, entry in enumerate(entries):
        held = next(iter(entry.values())) if isinstance(entry, dict) else None
        if isinstance(held, dict):
            if draw(st.booleans()):
                held["from"] = draw(st.sampled_from([*known, [known[-1]]]))
            if draw(st.booleans()):
                held["name"] = f"layer {at}"
                known.append(f"layer {at}")
    if draw(st.booleans()):
        entries += [{"dropout": {"name": "own"}}, {"dropout": {"share": "own", "from": FIRST}}]
        known.append("own")
    if draw(st.booleans()):
        one = st.sampled_from(known)
        several = st.one_of(one, st.lists(st.one_of(one, st.lists(one, min_size=1, max_size=2)), min_size=1))
        value = st.one_of(several, st.fixed_dictionaries({"from": several}, optional={"name": st.just("joined")}))
        entries.append({draw(st.sampled_from([each for each in MERGING if not VOCABULARY[each].pair])): draw(value)})
    return entries


@st.composite
def specs(draw: Callable[[Strategy], Any]) -> dict[str, Any]:
    """Return a whole file that the reader accepts, and of which it reads every part."""
    let, blocks, defaults = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    entries = draw(stacks(names=let))
    shape = draw(st.sampled_from([[3, "H", "W"], ["C", 32, "2*H"]]))
    several = draw(st.booleans())
    inputs: dict[str, Any] = {"inputs": {"left": shape, "right side": shape}} if several else {"input": shape}
    spec: dict[str, Any] = {"convmath": 1, **inputs}
    if draw(st.booleans()):
        spec["name"] = draw(st.sampled_from(["net", "α-1 (β)"]))
        spec["symbols"] = {"H": {"default": 8}, "p": {"min": 0, "max": 5}}
    if let:
        spec["let"] = dict(BOUND)
    if blocks:
        use = {"conv": {"out_channels": "c", "kernel_size": 1, "padding_mode": "m"}}
        body = [use, *draw(stacks(names=let))]
        spec["blocks"] = {BLOCK: {"params": ["c", {"m": "zeros"}], "layers": body}}
        entries += [{BLOCK: "H"}, {BLOCK: {"c": 4, "m": "circular"}}]
    if defaults:
        word = draw(st.sampled_from([each for each in KINDS if field_kinds(VOCABULARY[ALIASES.get(each, each)])]))
        spec["defaults"] = {word: draw(fields(word, required=False, optional=True, names=let))}
        entries.append({word: draw(fields(word, required=True, optional=False, names=let))})
    known = [FIRST]
    entries = draw(connected(entries, known))
    entries += [*LAST] * draw(st.booleans())
    if draw(st.booleans()):
        spec["outputs"] = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
    return spec | {"layers": [{"relu": {"from": "left"}} if several else "relu", *entries]}


class Fault(NamedTuple):
    """What was done to a file: where, and what stands there now."""

    path: tuple[Step, ...]
    what: str
    now: Any

    @property
    def structural(self) -> bool:
        """Whether it shows without knowing what names stand for."""
        return not {"let", "params", BLOCK} & {*self.path}


JUNK = [None, True, 1.5, -1, 0, 3, "", "zzz", "a b", "1;2", [], [1], [1, 2, 3], [True], {}, {"zzz": 1}, {"relu": None}]


def places(data: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the path of every value below the top."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, each in pairs:
        yield (*path, step)
        yield from places(each, (*path, step))


@st.composite
def mutated(draw: Callable[[Strategy], Any], good: Strategy) -> tuple[dict[str, Any], Fault]:
    """Return a file with one thing changed: a value, a key that is gone, misspelled or too many."""
    spec = copy.deepcopy(draw(good))
    path = draw(st.sampled_from([*places(spec)]))
    what = draw(st.sampled_from(["replace", "remove", "misspell", "add"]))
    around = spec
    for step in path[:-1]:
        around = around[step]  # type: ignore[index]
    last: Any = path[-1]
    if what == "replace" or (what == "misspell" and isinstance(around, list)):
        around[last] = draw(st.sampled_from(JUNK))
    elif what == "remove":
        del around[last]
    elif what == "misspell":
        around[f"{last}x"] = around.pop(last)
    elif isinstance(around, dict):
        around["zzz"] = draw(st.sampled_from(JUNK))
    else:
        around.insert(last, draw(st.sampled_from(JUNK)))
    return spec, Fault(path, what, around)
