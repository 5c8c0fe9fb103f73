"""What every layer kind shares: its name in a file, its fields, and how symbols are bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from convmath.formula import Formula, Value
from convmath.spec.fields import SAME, Amount, FieldKind, Pad, PerAxis, Reach, Size, Sizes
from convmath.spec.meaning import Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer in canonical form: every field given, one entry per axis, sizes integers or formulas.

    Concrete layers are leaves: none is a subclass of another, so that the exact type
    is the key of every registry.
    """

    kind: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    value: ClassVar[str | None] = None
    """The field that the one-line form ``- kind: value`` gives."""
    axes: ClassVar[bool] = False
    """Whether the layer needs spatial axes."""
    meaning: ClassVar[Meaning]
    """What the kind computes: its entry in the formula sheet."""
    joins_when: ClassVar[tuple[str, str] | None] = None
    """The field, and its word, with which the layer takes several maps; a merge always does, and others never."""
    declared: ClassVar[Mapping[str, FieldKind]] = {}
    """The fields that a file may give, in order."""

    @classmethod
    def plain(cls) -> Self:
        """Return the layer with the default of every field; none of its fields is required."""
        return cls(**{name: kind.default for name, kind in cls.declared.items()})

    @classmethod
    def settle(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the field values with what depends on several fields put in."""
        return values

    @classmethod
    def clash(cls, values: Mapping[str, Any]) -> str | None:  # noqa: ARG003
        """Return why these field values, each right on its own, make no layer together; None where they do."""
        return None

    @property
    def takes(self) -> tuple[str, ...]:
        """What arrives, map by map; a merge takes any number."""
        return ("input",)

    def rank_after(self, rank: int) -> int:
        """Return the number of spatial axes of the output."""
        return rank

    def sizes(self) -> Iterator[tuple[str, Value, int]]:
        """Yield every size or count with its field's name and the least value it may have."""
        for name, kind in field_kinds(type(self)).items():
            held = getattr(self, name)
            if isinstance(kind, Size):
                yield name, held, kind.minimum
            elif isinstance(kind, PerAxis) and kind.ratio:
                yield from ((name, each, kind.minimum) for each in held if not isinstance(each, Fraction))
            elif isinstance(kind, PerAxis | Sizes):
                yield from ((name, each, kind.minimum) for each in held)
            elif isinstance(kind, Reach):
                yield from ((name, each, 1) for each in held)
            elif isinstance(kind, Amount):
                yield from ((name, each, 0) for pad in held if pad != SAME for each in pad)

    def bind(self, values: Mapping[str, Value]) -> Layer:
        """Return the layer with symbols replaced."""
        changed = {}
        for name in field_kinds(type(self)):
            held = getattr(self, name)
            bound = _bind(held, values)
            if bound is not held:
                changed[name] = bound
        return replace(self, **changed) if changed else self


class Merge(Layer):
    """A layer of one or more inputs, which have the same sizes."""

    __slots__ = ()
    pair: ClassVar[bool] = False
    """Whether it takes exactly two inputs, whose order matters."""


class Shorthand(Layer):
    """A kind that the reader expands into core layers; no engine ever sees it.

    The parts stand one after the other; a merge among them joins what arrived at the
    first part with what the part before it puts out.
    """

    __slots__ = ()

    def expand(self, in_channels: Value, rank: int) -> tuple[tuple[str, Layer], ...]:
        """Return the core layers in order, each with the name of its part ("" for the only one)."""
        raise NotImplementedError


class Window(NamedTuple):
    """What a sliding window does along one axis."""

    kernel: Value
    stride: Value
    dilation: Value
    padding: Pad

    @property
    def extent(self) -> Value:
        """How many elements the window spans."""
        return self.dilation * (self.kernel - 1) + 1


class Tapped(Layer):
    """A layer with a kernel of taps on each axis; its fields are PyTorch's, one entry per axis."""

    __slots__ = ()
    axes: ClassVar[bool] = True
    kernel_size: tuple[Value, ...]
    stride: tuple[Value, ...]
    padding: tuple[Pad, ...]
    dilation: tuple[Value, ...]

    @property
    def windows(self) -> tuple[Window, ...]:
        """The window along each axis."""
        each = zip(self.kernel_size, self.stride, self.dilation, self.padding, strict=True)
        return tuple(Window(*parts) for parts in each)


class Windowed(Tapped):
    """A layer that slides its kernel over the image."""

    __slots__ = ()

    @classmethod
    def settle(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Write ``causal`` as the numbers it stands for: all of d(k - 1) before."""
        reach = [d * (k - 1) for d, k in zip(values["dilation"], values["kernel_size"], strict=True)]
        pads = zip(values["padding"], reach, strict=True)
        return values | {"padding": tuple((before, 0) if pad == "causal" else pad for pad, before in pads)}


VOCABULARY: dict[str, type[Layer]] = {}
"""Every kind by name, shorthands included, in the order of their definition."""
ALIASES: dict[str, str] = {}

AnyLayer = TypeVar("AnyLayer", bound=Layer)


def layer(
    kind: str, *aliases: str, meaning: Meaning, value: str | None = None
) -> Callable[[type[AnyLayer]], type[AnyLayer]]:
    """Enter a dataclass into the vocabulary as *kind*; *value* names the field of the one-line form."""

    def enter(cls: type[AnyLayer]) -> type[AnyLayer]:
        if kind in VOCABULARY:
            raise TypeError(f"the kind '{kind}' is defined twice: {VOCABULARY[kind].__name__} and {cls.__name__}")
        cls.kind, cls.aliases, cls.value, cls.meaning = kind, aliases, value, meaning
        cls.declared = {each.name: each.metadata["kind"] for each in fields(cls) if "kind" in each.metadata}
        VOCABULARY[kind] = cls
        ALIASES.update(dict.fromkeys(aliases, kind))
        return cls

    return enter


def field_kinds(cls: type[Layer]) -> Mapping[str, FieldKind]:
    """Return the fields of a layer kind that a file may give, in order."""
    return cls.declared


def core_kinds() -> tuple[type[Layer], ...]:
    """Return the kinds that engines see: all but the shorthands."""
    return tuple(cls for cls in VOCABULARY.values() if not issubclass(cls, Shorthand))


def _bind(held: Any, values: Mapping[str, Value]) -> Any:
    if isinstance(held, Formula):
        return held.bind(values)
    if isinstance(held, tuple):
        bound = tuple(_bind(each, values) for each in held)
        return held if all(a is b for a, b in zip(held, bound, strict=True)) else bound
    return held
