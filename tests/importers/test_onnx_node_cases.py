"""ONNX's own cases for single operators, through importer and executor; what is left out must be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convmath as cm
from convmath.errors import UnsupportedError

pytestmark = pytest.mark.onnx

TOLERANCE = {"rtol": 1e-3, "atol": 1e-6}
"""That of ONNX's own backend tests, in which some values are written down with four digits."""


@pytest.fixture(scope="module")
def cases() -> dict[str, Any]:
    from onnx_node_cases import cases

    return {each.name: each for each in cases()}


def outputs(case: Any) -> np.ndarray:
    """Return what the network of a case puts out, sample by sample."""
    net = cm.from_onnx(case.model)
    arrays = dict(zip([each.name for each in net.inputs], case.maps.values(), strict=True))
    samples = len(next(iter(arrays.values())))
    made = [cm.run(net, {name: array[at] for name, array in arrays.items()}) for at in range(samples)]
    assert all(isinstance(each, np.ndarray) for each in made)
    return np.stack(made)


@pytest.mark.full  # ONNX computes what its poolings must give for half a minute
def test_every_case_agrees_or_is_left_out_for_a_reason(cases: dict[str, Any]) -> None:
    from onnx_node_cases import EXCLUDED, OPERATORS

    names = {name for each in EXCLUDED for name in each.cases}
    assert names <= cases.keys()
    assert {case.operator for name, case in cases.items() if name not in names} == set(OPERATORS)
    assert len(cases) - len(names) >= 86

    for name, case in cases.items():
        if name not in names:
            found = outputs(case)
            assert found.shape == case.expected[0].shape, name
            np.testing.assert_allclose(found, case.expected[0], **TOLERANCE, err_msg=name)


@pytest.mark.full
def test_what_is_left_out_is_refused(cases: dict[str, Any]) -> None:
    from onnx_node_cases import EXCLUDED

    for each in EXCLUDED:
        for name in each.cases:
            with pytest.raises(UnsupportedError, match=each.refused):
                cm.from_onnx(cases[name].model)


def test_the_documentation_tells_what_is_left_out() -> None:
    from onnx_node_cases import OPERATORS, table

    page = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text(encoding="utf-8")
    *names, last = (f"`{name}`" for name in OPERATORS)
    assert f"\n\n{table()}\n\n" in page
    assert f"Those of {', '.join(names)} and {last} run" in page


@pytest.mark.full
def test_a_wrong_value_would_be_seen(cases: dict[str, Any]) -> None:
    case = cases["test_maxpool_2d_default"]

    with pytest.raises(AssertionError):
        np.testing.assert_allclose(outputs(case), case.expected[0] * 1.01, **TOLERANCE)
