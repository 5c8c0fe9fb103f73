"""Models in which a layer is written out in several nodes, as exporters do, or nearly so."""

from __future__ import annotations

from typing import Any

from onnx_models import model, node, tensor


def softplus(threshold: float, compared: str = "x") -> bytes:
    nodes = [
        node("Relu", ["x"], ["h"]),
        node("Softplus", ["x"], ["s"]),
        node("Greater", [compared, "t"], ["g"]),
        node("Where", ["g", "x", "s"], ["p"]),
        node("Add", ["p", "h"], ["y"]),
    ]
    return bytes(model(nodes, {"x": (1, 2, 3, 3)}, ("y",), [tensor("t", (), [threshold])]).SerializeToString())


def logarithm(gate: str) -> bytes:
    nodes = [node(gate, ["x"], ["g"]), node("Log", ["g"], ["y"])]
    return bytes(model(nodes, {"x": (1, 2, 3, 3)}).SerializeToString())


def bounded(*steps: tuple[str, float], turned: bool = False) -> bytes:
    """Return maxima and minima of a map with numbers, one after the other."""
    names = ["x", *(f"v{at}" for at in range(len(steps) - 1)), "y"]
    nodes, held = [], []
    for at, (kind, number) in enumerate(steps):
        given = [names[at], f"c{at}"]
        nodes.append(node(kind, given[::-1] if turned else given, [names[at + 1]]))
        held.append(tensor(f"c{at}", (), [number]))
    return bytes(model(nodes, {"x": (1, 2, 3, 3)}, ("y",), held).SerializeToString())


def joined(start: int, stop: int, *, turned: bool = False, of: str = "x") -> bytes:
    """Return a join of a map with one slice of a map, before it or behind it."""
    parts = ["e", "x"] if turned else ["x", "e"]
    nodes = [
        node("Tanh", ["x"], ["h"]),
        node("Slice", [of, "start", "stop", "axis"], ["e"]),
        node("Concat", parts, ["y"], axis=2),
    ]
    held = [tensor(name, (1,), [value], "INT64") for name, value in (("start", start), ("stop", stop), ("axis", 2))]
    return bytes(model(nodes, {"x": (1, 2, 7)}, ("y",), held).SerializeToString())


def responses(
    *,
    pads: tuple[int, ...] = (0, 0, 1, 0, 0, 0, 0, 1, 0, 0),
    middle: str = "m",
    value: float = 0.0,
    apart: tuple[int, ...] = (1, 1, 4, 3, 3),
    taken: int = 1,
    beta: tuple[int, ...] = (),
    batch: int = 1,
    **pool: Any,
) -> bytes:
    """Return a normalisation by three neighbouring channels, in which *middle* is what the powers are taken of."""
    pool = {"kernel_shape": [3, 1, 1], "count_include_pad": 1} | pool
    nodes = [
        node("Mul", ["x", "x"], ["q"]),
        node("Reshape", ["q", "apart"], ["v"]),
        node("Pad", ["v", "pads", "value"], ["p"]),
        node("AveragePool", ["p"], ["a"], **pool),
        node("Squeeze", ["a", "taken"], ["m"]),
        node("Mul", [middle, "alpha"], ["s"]),
        node("Add", ["s", "k"], ["t"]),
        node("Pow", ["t", "beta"], ["d"]),
        node("Div", ["x", "d"], ["y"]),
    ]
    held = [
        tensor("apart", (len(apart),), apart, "INT64"),
        tensor("pads", (len(pads),), pads, "INT64"),
        tensor("value", (), [value]),
        tensor("taken", (1,), [taken], "INT64"),
        tensor("beta", beta, [0.5]),
        *(tensor(name, (), [number]) for name, number in (("alpha", 0.1), ("k", 2.0))),
    ]
    return bytes(model(nodes, {"x": (batch, 4, 3, 3)}, ("y",), held).SerializeToString())
