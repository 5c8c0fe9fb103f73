"""Layers that a user declares: counted as declared, never confirmed, never run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import analyzed, network

from convmath.api import Report, verify
from convmath.errors import SpecError
from convmath.formula import bind
from convmath.numeric.execute import run
from convmath.symbolic.compose import derive

CONV = {"conv": {"out_channels": 4, "kernel_size": 3}}


def opaque(**fields: Any) -> dict[str, Any]:
    known = {"output_shape": [8, "H//2 - 1", "W//2 - 1"], "params": 10, "macs": 77, "receptive_field": 2, "stride": 2}
    return {"opaque": {"name": "secret", **known, **fields}}


@pytest.mark.parametrize("form", ["table", "markdown", "html", "latex"])
@pytest.mark.parametrize("size", ["H", 9])
def test_macs_say_which_layers_they_are_without(size: str | int, form: str) -> None:
    def said(*layers: Any) -> str:
        report = Report(network([1, size, 9], [CONV, *layers]))
        return " ".join(getattr(report, f"to_{form}")().replace("\\", "").split())

    names = [f"s{at}" for at in range(5)]
    unknown = [opaque(name=name, output_shape=[4, size, 9], macs=0) for name in names]

    assert said(unknown[0]).count("1 opaque layer, which declares none: s0") == 1
    assert said(*unknown).count("5 opaque layers, which declare none: s0, s1, s2 and 2 more") == 1
    assert "which declares none" not in said(opaque(macs=7))


def test_counts_are_those_declared() -> None:
    report = analyzed([1, "H", "W"], [CONV, opaque(params="7*n", macs="H*W")])

    secret = report.layer("secret")

    assert (secret.kind, str(secret.params), str(secret.macs)) == ("opaque", "7*n", "H*W")
    assert [bind(each, {"H": 11, "W": 8}) for each in secret.output_shape] == [8, 4, 3]


def test_fields_go_on_through_it_and_are_bounds() -> None:
    field = analyzed([1, "H", "W"], [CONV, opaque(), CONV]).totals.receptive_field

    assert (field.size, field.jump, field.exact) == ((8, 8), (2, 2), False)
    assert str(field.first[0]) == "2*i"


def test_all_is_everything_that_reaches_it() -> None:
    field = (
        analyzed([1, 9, 9], [CONV, opaque(output_shape=[8, 3, 3], receptive_field="all")]).layers[-1].receptive_field
    )

    assert field.whole
    assert field.size == (9, 9)


def test_a_vector_may_leave_where_all_is_read() -> None:
    report = analyzed([1, 9, 9], [opaque(output_shape=10, receptive_field="all"), {"dense": 3}])

    assert report.totals.output_shape == (3,)
    assert report.totals.params == 10 + 33


def test_it_is_confirmed_around_it_and_the_outcome_says_what_was_not() -> None:
    outcome = verify(network([1, "H", "W"], [CONV, opaque(), {"flatten": None}, {"dense": 2}]), 6)

    assert outcome.confirmed, outcome.to_table()
    assert "taken as declared, and not confirmed: secret" in " ".join(outcome.to_table().split())


def test_no_values_run_through_it() -> None:
    net = network([1, 8, 8], [opaque(output_shape=[8, 3, 3])])

    with pytest.raises(SpecError, match="no values run through it"):
        run(net, np.ones((1, 8, 8)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"output_shape": []}, "is not a list of numbers"),
        ({"output_shape": [1] * 33}, "33 numbers; the limit is 32"),
        ({"output_shape": [0, 1, 1]}, "is 0, but must be 1 or more"),
        ({"params": -1}, "is -1, but must be 0 or more"),
        ({"params": "9**9**9"}, "bits"),
        ({"receptive_field": [1, 2, 3]}, "3 entries for 2 spatial axes"),
        ({"receptive_field": "al"}, None),
        ({"output_shape": [8, 4]}, "no position reads a window"),
        ({"output_shape": "x" * 70}, "70 characters"),
    ],
)
def test_faulty_declarations_are_refused(fields: dict[str, Any], message: str | None) -> None:
    if message is None:  # a symbol, as wherever a count may stand
        assert "al" in {each.name for each in network([1, 8, 8], [opaque(**fields)]).symbols}
        return
    with pytest.raises(SpecError, match=message):
        derive(network([1, 8, 8], [opaque(**fields)]))


def test_every_field_that_matters_must_be_given() -> None:
    for missing in ("output_shape", "params", "macs", "receptive_field"):
        entry = opaque()
        del entry["opaque"][missing]
        with pytest.raises(SpecError, match=f"'opaque' needs '{missing}'"):
            network([1, 8, 8], [entry])
