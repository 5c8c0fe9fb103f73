"""Names of layers, as PyTorch and ONNX make them: paths of parts, joined by dots or slashes."""

from __future__ import annotations

import re
from collections.abc import Iterable

SAYING_NOTHING = re.compile(
    r"(relu6?|act(ivation)?|silu|gelu|mish|elu|selu|prelu|sigmoid|tanh|hard_?sigmoid|hard_?swish|hard_?tanh|leaky_?relu"
    r"|softmax|log_?softmax|softplus|clip|clamp|add|iadd|sum|mul|imul|multiply|cat|concat|flatten|view|reshape|drop(out)?"
    r"|identity|pad|mean|max_?pool|avg_?pool|reduce_?mean|global_?average_?pool|slice|split|chunk|getitem"
    r"|upsample|interpolate|resize)_?[0-9]*",
    re.IGNORECASE,
)
"""Names that exporters make up: the operation, and perhaps a number."""
_OPERATOR = re.compile(
    r"(Conv|ConvTranspose|BatchNormalization|Gemm|MatMul|[A-Z][A-Za-z]*Pool|[A-Z][a-z]+)_[0-9]+|node_\w+"
)
"""Names that exporters make up for nodes of ONNX: ``Conv_12``, ``node_conv2d_3``."""


def split(name: str) -> list[str]:
    """Return the parts of a name, each with the dot or slash behind it."""
    return re.findall(r"[^./]*[./]|[^./]+", name)


def together(names: Iterable[str]) -> str:
    """Return the whole parts that all names begin with; the last part of a name does not count."""
    common: list[str] | None = None
    for name in names:
        parts = split(name)[:-1]
        if common is None:
            common = parts
            continue
        same = 0
        while same < min(len(common), len(parts)) and common[same] == parts[same]:
            same += 1
        common = common[:same]
    return "".join(common or ())


def is_plain(name: str) -> bool:
    """Tell whether a name is an operation and a number, without a path."""
    return SAYING_NOTHING.fullmatch(name) is not None


def says_nothing(name: str) -> bool:
    """Tell whether the last part of a name is an operation and a number."""
    parts = split(name)
    return bool(parts) and SAYING_NOTHING.fullmatch(parts[-1]) is not None


def counts_only(name: str) -> bool:
    """Tell whether the last part of a name is an operator of ONNX and a number, as exporters count."""
    return _OPERATOR.fullmatch(name.rpartition("/")[2].rpartition(".")[2]) is not None


def counts_kind(name: str, kind: str) -> bool:
    """Tell whether the last part of a name is one that the reader gives: a kind and a number."""
    return re.fullmatch(rf"(.*[./])?({re.escape(kind)}[0-9]+|squeeze_excitation[0-9]+\.[a-z0-9]+)", name) is not None
