"""Numbers that stand in a spec: the weights and the biases of a layer, or a kernel by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from convmath.spec.fields import Reader, Schema, or_name, show
from convmath.spec.named import NAMES, Numbers, Sizes, named_kernel

DEEPEST = 12
"""Lists of numbers are nested at most so deep."""
RATIO = re.compile(r"-?[0-9]{1,18}/0*[1-9][0-9]{0,17}")
NUMBERS: Schema = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": f"^{RATIO.pattern}$"},
        {"type": "array", "items": {"$ref": "#/$defs/numbers"}, "minItems": 1},
    ]
}
"""The schema of a number, a ratio such as 1/9, or lists of them."""


@dataclass(frozen=True, slots=True)
class GivenNumbers:
    """A number, nested lists of numbers in equal rows, or, for weights, the name of a kernel."""

    default: Any = None
    named: bool = False

    def read(self, raw: Any, reader: Reader) -> Any:
        if raw is None:
            return None
        held, there = reader.resolve(raw)
        if isinstance(held, str) and self.named and not RATIO.fullmatch(held):
            return self._name(held, there)
        numbers = self._numbers(held, there, DEEPEST)
        if not _even(numbers):
            raise there.refuse(
                "bad-weights", "these rows differ in length", help="write every row with as many numbers"
            )
        return numbers

    def schema(self, *, names: bool) -> Schema:
        words: list[Schema] = [{"enum": [*NAMES]}] if self.named else []
        return or_name({"anyOf": [*words, {"$ref": "#/$defs/numbers"}, {"type": "null"}]}, names=names)

    @staticmethod
    def _name(held: str, reader: Reader) -> str:
        if held not in NAMES:
            near = get_close_matches(held, NAMES, 1)
            help_ = f"did you mean '{near[0]}'?" if near else f"write numbers, or one of {', '.join(NAMES)}"
            raise reader.refuse("unknown-word", f"'{held}' is no kernel", help=help_)
        return held

    def _numbers(self, raw: Any, reader: Reader, depth: int) -> Numbers:
        if isinstance(raw, list):
            if not raw or not depth:
                problem = "an empty list" if not raw else f"a list nested more than {DEEPEST} deep"
                raise reader.refuse("bad-weights", f"{problem} holds no numbers")
            return tuple(self._numbers(each, reader.at(at), depth - 1) for at, each in enumerate(raw))
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and RATIO.fullmatch(raw):
            ratio = Fraction(raw)
            return ratio.numerator if ratio.denominator == 1 else float(ratio)
        words = ", or the name of a kernel" if self.named else ""
        raise reader.refuse("not-a-number", f"{show(raw)} is no number", help=f"write numbers, 1/9 as a ratio{words}")


def _even(numbers: Numbers) -> bool:
    """Tell whether all rows on every level have the same shape."""
    if not isinstance(numbers, tuple):
        return True
    return all(map(_even, numbers)) and len({shape_of(each) for each in numbers}) == 1


def shape_of(numbers: Numbers) -> Sizes:
    """Return the shape of nested tuples with equal rows."""
    return (len(numbers), *shape_of(numbers[0])) if isinstance(numbers, tuple) else ()


def check_given(values: dict[str, Any], reader: Reader) -> None:
    """Refuse weights that cannot fit the kernel's size, and a bias value for a layer without a bias."""
    weight, bias = values.get("weight"), values.get("bias_value")
    if bias is not None and not values["bias"]:
        raise reader.refuse("bad-weights", "'bias_value' is given, but the layer has 'bias: false'", "bias_value")
    size = values.get("kernel_size")
    if weight is None or size is None or not all(isinstance(each, int) for each in size):
        return
    if isinstance(weight, str):
        try:
            named_kernel(weight, size)
        except ValueError as error:
            raise reader.refuse("bad-weights", str(error), "weight") from None
    elif shape_of(weight)[-len(size) :] not in ((), size):
        found, wanted = (" × ".join(map(str, each)) for each in (shape_of(weight), size))
        message = f"the weights are {found}, but kernel_size is {wanted}"
        raise reader.refuse("bad-weights", message, "weight", help="the last sizes must be those of the kernel")


def given_weight() -> Any:
    """Declare weights that may stand in a spec."""
    return field(default=None, metadata={"kind": GivenNumbers(named=True)})


def given_bias() -> Any:
    """Declare biases that may stand in a spec."""
    return field(default=None, metadata={"kind": GivenNumbers()})
