"""Layers from Python: a function per kind, with the signature of its fields."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Any

from convmath.spec.fields import REQUIRED
from convmath.spec.given import GivenNumbers
from convmath.spec.kinds import VOCABULARY, field_kinds


def constructor(kind: str) -> Any:
    """Return the function that makes a layer of *kind* as plain data, as a line of a spec does."""
    cls = VOCABULARY[kind]
    known = field_kinds(cls)
    numbers = [name for name, field in known.items() if isinstance(field, GivenNumbers)]
    order = sorted(
        (name for name in known if name not in numbers), key=lambda name: known[name].default is not REQUIRED
    )

    def make(*args: Any, **kwargs: Any) -> dict[str, Any]:
        if len(args) > len(order):
            raise TypeError(f"{make.__name__} takes at most {len(order)} values, not {len(args)}")
        given = dict(zip(order, args, strict=False))
        twice = sorted(given.keys() & kwargs.keys())
        if twice:
            raise TypeError(f"{make.__name__} got '{twice[0]}' twice")
        return {kind: {**given, **kwargs}}

    make.__name__ = make.__qualname__ = public_name(kind)
    make.__doc__ = f"{(cls.__doc__ or '').strip()}\n\nReturns the plain layer ``- {kind}: …`` of the spec language."
    parameters = [
        Parameter(
            name,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if known[name].default is REQUIRED else known[name].default,
        )
        for name in order
    ]
    parameters += [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in (*numbers, "name")]
    make.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return make


def public_name(kind: str) -> str:
    """Return the name of a kind's constructor: ``max_pool`` is ``MaxPool``."""
    return "".join(part.capitalize() for part in kind.split("_"))
