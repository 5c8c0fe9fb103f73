"""All kinds of layers: importing this fills the vocabulary."""

from convmath.spec import activation, conv, dense, local, merge, norm, pool, reshape, transpose, upsample
from convmath.spec.layer import ALIASES, VOCABULARY, core_kinds, field_kinds

FAMILIES = (activation, conv, dense, local, merge, norm, pool, reshape, transpose, upsample)

__all__ = ["ALIASES", "FAMILIES", "VOCABULARY", "core_kinds", "field_kinds"]
