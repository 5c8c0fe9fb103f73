"""Every limit that guards against hostile or runaway input, in one place.

Each field is also a command line option (``--max-layers``) and an environment variable
(``CONVMATH_MAX_LAYERS``); the names are made from the fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is read and built; exceeding one is a ``LimitError``, exit status 5."""

    spec_bytes: int = field(default=1 << 20, metadata={"help": "size of a spec file in bytes"})
    depth: int = field(default=64, metadata={"help": "nesting depth of a spec file"})
    nodes: int = field(default=100_000, metadata={"help": "values in a spec file"})
    layers: int = field(default=100_000, metadata={"help": "layers after blocks and repeats"})
    symbols: int = field(default=64, metadata={"help": "distinct symbols of a network"})
    data_bytes: int = field(
        default=256 << 20, metadata={"help": "size of a file of numbers, as in 256MiB", "unit": "bytes"}
    )
    onnx_bytes: int = field(default=2 << 30, metadata={"help": "size of an ONNX file, as in 2GiB", "unit": "bytes"})
    onnx_nodes: int = field(default=100_000, metadata={"help": "nodes of an ONNX file"})
    onnx_graphs: int = field(default=16, metadata={"help": "graphs within one another in an ONNX file"})
    memory: int = field(default=4 << 30, metadata={"help": "memory of an execution, as in 4GiB", "unit": "bytes"})
    macs: int = field(default=10**12, metadata={"help": "multiply-accumulates of an execution"})

    def flag(self, name: str) -> str:
        """Return the command line option that raises the limit *name*."""
        return "--max-" + name.replace("_", "-")


DEFAULT = Limits()
