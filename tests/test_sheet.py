"""The formula sheet: every kind has an entry, execution confirms what is printed, and refutes what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any

import pytest
from networks import network

from convmath.api import sharing_scale, sheet, verify_kind
from convmath.formula import bind, symbol
from convmath.formula.nodes import Call, Node, Number_, Over, Quotient, Sum
from convmath.formula.text import write, write_node
from convmath.numeric.measure import measure_costs
from convmath.spec.graph import AXES
from convmath.spec.kinds import VOCABULARY, field_kinds
from convmath.symbolic.derivation import counts
from convmath.symbolic.general import equation_of, general
from convmath.symbolic.sheet import scale
from convmath.verification import general as confronted
from convmath.verification.tally import Tally

SAMPLES = 12
DEFINED = tuple(kind for kind in VOCABULARY if kind != "opaque")
"""What an opaque layer computes nobody knows: its entry is declared, and nothing of it is confirmed."""


def refuted(kind: str, wanted: int = SAMPLES) -> set[str]:
    """Return the quantities of a kind's general formulas that execution refutes."""
    tally = Tally()
    confronted.confront_general(kind, Random(f"mutants of {kind}"), wanted, tally)
    assert tally.entries
    return {quantity for _, quantity in tally.refuted()}


@pytest.mark.parametrize("kind", DEFINED)
def test_every_kind_has_a_complete_entry(kind: str) -> None:
    cls = VOCABULARY[kind]
    meaning = cls.meaning
    held = json.loads(sheet(kind).to_json())

    left, right = equation_of(kind)
    assert meaning.source
    assert meaning.torch or meaning.keras or meaning.onnx
    assert set(meaning.general) <= set(field_kinds(cls))
    assert held["equation"] == f"{write_node(left)} = {write_node(right)}"
    assert {each["quantity"] for each in held["quantities"]} >= {"params", "macs", "activations", "output_shape[0]"}


@pytest.mark.parametrize("kind", DEFINED)
def test_what_is_printed_is_what_execution_confirms(kind: str) -> None:
    held = json.loads(sheet(kind).to_json())
    stated = {each["quantity"]: str(each["formula"]) for each in held["quantities"]}

    checks = {each.quantity: each for each in verify_kind(kind, 40).checks}

    assert all(each.confirmed for each in checks.values())
    assert checks["equation"].formula == held["equation"]
    assert checks["equation"].cases > 0
    for quantity in ("params", "macs", "activations", "buffers"):
        assert checks[quantity].formula == stated[quantity]
    for quantity in ("additions", "comparisons", "elementwise"):
        assert checks[f"operations.{quantity}"].formula == str(held["operations"][quantity])


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", DEFINED)
def test_short_formulas_are_the_whole_ones_with_the_names_of_the_output(kind: str, rank: int) -> None:
    if (rank == 0) != (len(VOCABULARY[kind].meaning.input) == 1):
        return
    known = general(kind, rank)
    sizes = known.report.totals.output_shape[1:]
    names = {f"{name}'": size for name, size in zip(AXES[rank], sizes, strict=False)}
    whole = known.report.totals

    for quantity, short in known.short.items():
        full = getattr(whole, quantity, None)
        full = getattr(whole.operations, quantity) if full is None else full
        assert bind(short, names) == full, quantity
    assert all(names[name] == size for name, size in known.outputs)


# Wrong equations and wrong formulas, planted on purpose: each must be refuted.


def parts(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every part of a tree, with the function that puts another one in its place."""
    yield node, lambda new: new
    if not is_dataclass(node):
        return
    for field in fields(node):
        held = getattr(node, field.name)
        if is_dataclass(held):
            for part, put in parts(held):
                yield part, lambda new, put=put, name=field.name: replace(node, **{name: put(new)})
        elif isinstance(held, tuple):
            for at, each in enumerate(held):
                inner = each[1] if isinstance(each, tuple) else each
                for part, put in parts(inner):
                    yield (
                        part,
                        lambda new, put=put, name=field.name, at=at, each=each, held=held: replace(
                            node,
                            **{
                                name: (
                                    *held[:at],
                                    (each[0], put(new)) if isinstance(each, tuple) else put(new),
                                    *held[at + 1 :],
                                )
                            },
                        ),
                    )


SWAPPED = {"max": "min", "min": "max", "floor": "ceil", "ceil": "floor", "exp": "tanh", "tanh": "exp"}


def mutants(node: Node) -> Iterator[Node]:
    """Yield the trees that differ in one sign, one number, one function, or one factor."""
    for part, put in parts(node):
        match part:
            case Number_(number):
                yield put(Number_(number + 1))
            case Sum(terms) if len(terms) > 1:
                for at, (sign, term) in enumerate(terms):
                    yield put(Sum((*terms[:at], (-sign, term), *terms[at + 1 :])))
            case Quotient(top, _):
                yield put(top)
            case Call(function, arguments) if function in SWAPPED:
                yield put(Call(SWAPPED[function], arguments))
            case Over(function, body, ranges):
                yield put(Over("max" if function == "mean" else "mean", body, ranges))


WRONG = (ZeroDivisionError, ValueError, OverflowError, KeyError, AttributeError, IndexError, TypeError)
"""What an equation may end in that has no value at all."""
RARE = (
    "glu",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "pixel_shuffle",
    "reshape",
    "squeeze_excitation",
)
"""Kinds whose conditions few drawn numbers meet, or whose faults few show."""
GROUPED = tuple(kind for kind in VOCABULARY if "groups" in VOCABULARY[kind].meaning.general) + RARE


def survivors(kind: str, wanted: int) -> list[str]:
    """Return the wrong equations of a kind that execution does not refute."""
    left, right = equation_of(kind)
    cls = VOCABULARY[kind]
    every = {write_node(each) for each in mutants(right)} - {write_node(right)}
    alive = []
    for text in sorted(every | {f"2*({write_node(right)})"}):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cls, "meaning", replace(cls.meaning, equation=f"{write_node(left)} = {text}"))
            try:
                if "equation" not in refuted(kind, wanted):
                    alive.append(text)
            except WRONG:
                continue
    return alive


@pytest.mark.parametrize("kind", [kind for kind in DEFINED if kind not in GROUPED])
def test_no_wrong_equation_survives(kind: str) -> None:
    assert survivors(kind, 6) == []


@pytest.mark.full
@pytest.mark.parametrize("kind", GROUPED)
def test_no_wrong_equation_of_these_survives_either(kind: str) -> None:
    assert survivors(kind, 150 if kind in RARE else 40) == []


def test_a_wrong_equation_is_refuted_by_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding taken from the wrong side: the index of the sheet is what is evaluated."""
    cls = VOCABULARY["conv"]
    monkeypatch.setattr(cls, "meaning", replace(cls.meaning, equation=cls.meaning.equation.replace("- a", "+ a")))

    outcome = verify_kind("conv", 80)

    assert [each.quantity for each in outcome.checks if not each.confirmed] == ["equation"]
    assert "+ a" in sheet("conv").to_text()


CHANGES: dict[str, tuple[str, Any]] = {
    "params": ("params", lambda layer: replace(layer, params=layer.params - symbol("K"))),
    "macs": ("macs", lambda layer: replace(layer, macs=layer.macs * symbol("g"))),
    "additions": (
        "operations.additions",
        lambda layer: replace(layer, operations=replace(layer.operations, additions=symbol("K"))),
    ),
    "output_shape": (
        "output_shape",
        lambda layer: replace(layer, output_shape=(*layer.output_shape[:-1], layer.output_shape[-1] + 1)),
    ),
    "activations": ("activations", lambda layer: replace(layer, activations=symbol("H") * symbol("W"))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_general_formula_is_refuted(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quantity, wrong = CHANGES[change]
    known = general("conv")
    report = replace(known.report, layers=(*known.report.layers[:-1], wrong(known.report.layers[-1])))
    monkeypatch.setattr(confronted, "general", lambda _: replace(known, report=report))

    assert quantity in refuted("conv", 40)


# Counts put together from a layer's own numbers.

PUT = {
    "a bias": ([3, "H", "W"], {"conv": {"out_channels": 64, "kernel_size": 3}}, "64*(3*3*3 + 1)"),
    "no bias": ([3, "H", "W"], {"conv": {"out_channels": 64, "kernel_size": 3, "bias": False}}, "3*64*3*3"),
    "groups": ([6, "H", "W"], {"conv": {"out_channels": 4, "kernel_size": 3, "groups": 2}}, "4*(6*3*3/2 + 1)"),
    "one axis": ([2, "L"], {"conv": {"out_channels": 4, "kernel_size": 3}}, "4*(2*3 + 1)"),
    "three axes": ([2, "D", "H", "W"], {"conv": {"out_channels": 4, "kernel_size": [1, 2, 3]}}, "4*(2*2*3 + 1)"),
    "depthwise": ([5, "H", "W"], {"depthwise_conv": 3}, "5*(3*3 + 1)"),
    "dense": ([7], {"dense": 3}, "3*(7 + 1)"),
    "dense without bias": ([7], {"dense": {"out_features": 3, "bias": False}}, "3*7"),
    "symbols": (["C", "H", "W"], {"conv": {"out_channels": "K", "kernel_size": "k"}}, "K*(C*k*k + 1)"),
    "a norm": ([9, "H", "W"], "batch_norm", "2*9"),
}


@pytest.mark.parametrize("case", PUT)
def test_parameters_are_put_together_from_the_layers_numbers(case: str) -> None:
    shape, layer, text = PUT[case]
    params = next(each for each in counts(network(shape, [layer])) if each.quantity == "params")

    [[first, *others]] = [cell.forms for step in params.steps for cell in step.cells]

    assert write_node(first) == text
    assert [write_node(each) for each in others] == [write(params.result)]


# Weight sharing as a scale.


def test_the_scale_says_what_executed_layers_hold() -> None:
    found = scale()
    random = Random(11)
    for _ in range(12):
        at = {name: random.randint(1, 3) for name in ("C", "K", "p", "q", "s")}
        at |= {"H": at["p"] + random.randint(0, 4), "W": at["q"] + random.randint(0, 4)}
        shape = [at["C"], at["H"], at["W"]]
        window = {"out_channels": at["K"], "kernel_size": [at["p"], at["q"]], "stride": at["s"]}
        out = measure_costs(network(shape, [{"conv": window}])).layers[0].output_shape
        elements = out[0] * out[1] * out[2]
        sizes = {**at, "H'": out[1], "W'": out[2]}
        entries = {
            "dense": ["flatten", {"dense": {"out_features": elements}}],
            "locally_connected": [{"locally_connected": window}],
            "conv": [{"conv": window}],
        }
        weights = {}
        for row in found.rows:
            costs = measure_costs(network(shape, entries[row.kind]))
            biases = elements if row.kind != "conv" else at["K"]
            weights[row.kind] = costs.total("params") - biases
            assert bind(row.weights, sizes) == weights[row.kind]
            assert bind(row.biases, sizes) == biases
            assert bind(row.macs, sizes) == costs.total("macs")
            assert bind(row.ratio, sizes) * weights["dense"] == weights[row.kind]


def test_the_scale_in_json() -> None:
    held = json.loads(sharing_scale().to_json())

    assert list(held) == ["schema", "input", "output", "layers"]
    assert [each["kind"] for each in held["layers"]] == ["dense", "locally_connected", "conv"]
    assert [each["ratio"] for each in held["layers"]] == [1, "p*q/(H*W)", "p*q/(H*H'*W*W')"]
