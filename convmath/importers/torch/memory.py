"""Which stand-ins are one memory in PyTorch, so that what is done to one in place is seen through the others."""

from __future__ import annotations

from typing import Any

CHANGES = frozenset(f"i{name}" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"))
"""Operators that change what stands on their left side."""
SAME = frozenset({"detach", "alias", "Identity"})
"""What PyTorch answers with what arrived."""
WHOLE = frozenset(
    {
        *("view", "reshape", "_unsafe_view", "view_as", "reshape_as", "flatten", "unflatten", "Flatten", "Unflatten"),
        *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "T", "mT", "H", "mH", "t"),
        *("squeeze", "unsqueeze", "expand", "expand_as", "broadcast_to"),
        *("contiguous", "to", "float", "double", "half", "bfloat16", "type_as", "type", "cpu", "cuda"),
        *("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "Dropout"),
        *("Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "feature_alpha_dropout"),
        *("stochastic_depth", "drop_block2d", "drop_block3d", "StochasticDepth", "DropBlock2d", "DropBlock3d"),
    }
)
"""What may answer with the memory of what arrives, seen in another way."""
PARTS = frozenset(
    {"getitem", "__getitem__", "slice", "select", "narrow", "unbind", "chunk", "split", "split_with_sizes"}
)
"""What answers with a part of the memory of what arrives; parts are taken for disjoint."""
WRITTEN = "a map is used again that was changed in place through a view of it, or the other way round"


def writes(word: str, kwargs: Any) -> bool:
    """Tell whether a function or method changes its first argument: ``relu_``, ``+=``, ``inplace=True``."""
    return (word.endswith("_") and not word.endswith("__")) or word.strip("_") in CHANGES or bool(kwargs.get("inplace"))


class _Place:
    """A memory, or a part of another place."""

    def __init__(self, within: _Place | None = None) -> None:
        self._within = within

    def is_in(self, other: _Place) -> bool:
        place: _Place | None = self
        while place is not None and place is not other:
            place = place._within  # noqa: SLF001  (it is of this class)
        return place is other


class Share:
    """What a stand-in holds of a memory, all or a part of it, until that is changed through another one."""

    def __init__(self, of: Share | None = None, *, part: bool = False) -> None:
        self.all: list[Share] = [] if of is None else of.all
        self.all.append(self)
        self.place: _Place = _Place(None if of is None else of.place) if of is None or part else of.place
        self.is_stale = False

    def written(self) -> None:
        """Note that what this one stands for was changed in place: the others have other values than they tell."""
        mine = self.place
        for each in self.all:
            each.is_stale = each is not self and (each.place.is_in(mine) or mine.is_in(each.place))
        self.all[:] = [each for each in self.all if not each.is_stale]
