"""A table from exact layer type to rule; duplicates are refused, gaps are errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Rule = TypeVar("Rule", bound=Callable[..., object])


class Registry(Generic[Rule]):
    """One engine's rules, keyed by the exact type of the layer.

    Subclasses are not consulted: a layer without a rule of its own is an error,
    never a guess.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._rules: dict[type, Rule] = {}

    def __call__(self, layer_type: type) -> Callable[[Rule], Rule]:
        """Register the decorated function for *layer_type*."""

        def register(rule: Rule) -> Rule:
            known = self._rules.get(layer_type)
            if known is not None:
                raise TypeError(
                    f"{layer_type.__name__} has two {self.what}s: "
                    f"{known.__module__}.{known.__name__} and {rule.__module__}.{rule.__name__}"
                )
            self._rules[layer_type] = rule
            return rule

        return register

    def __getitem__(self, layer_type: type) -> Rule:
        try:
            return self._rules[layer_type]
        except KeyError:
            known = ", ".join(sorted(known.__name__ for known in self._rules))
            raise LookupError(f"no {self.what} for {layer_type.__name__}; there is one for: {known}") from None

    def __iter__(self) -> Iterator[type]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)
