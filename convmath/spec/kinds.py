"""All kinds of layers: importing this fills the vocabulary."""

from convmath.spec import (
    activation,
    conv,
    deformable,
    dense,
    local,
    merge,
    norm,
    opaque,
    pool,
    reshape,
    shuffle,
    transpose,
    upsample,
)
from convmath.spec.layer import ALIASES, VOCABULARY, core_kinds, field_kinds

FAMILIES = (
    activation,
    conv,
    deformable,
    dense,
    local,
    merge,
    norm,
    opaque,
    pool,
    reshape,
    shuffle,
    transpose,
    upsample,
)

__all__ = ["ALIASES", "FAMILIES", "VOCABULARY", "core_kinds", "field_kinds"]
