"""Every network of torchvision, from PyTorch and from ONNX, and the page of the documentation that lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.peers("torchvision"), pytest.mark.onnx]
PAGE = Path(__file__).parent.parent.parent / "docs" / "torchvision.md"
ROW = re.compile(r"^\| `(\w+)` .*$", re.MULTILINE)


def table():
    import torchvision_table

    return torchvision_table


def listed(text):
    """Return the lines of a page by the networks that they are about."""
    found: dict[str, list[str]] = {}
    for row in ROW.finditer(text):
        found.setdefault(row[1], []).append(row[0])
    return found


def pytest_generate_tests(metafunc):
    if "network" in metafunc.fixturenames:
        metafunc.parametrize("network", listed(PAGE.read_text(encoding="utf-8")))


@pytest.mark.full
def test_a_line_of_the_page_is_what_the_two_importers_and_torchvision_say(network: str) -> None:
    made, text = table(), PAGE.read_text(encoding="utf-8")
    expected = [made.refusal(network)] if network in made.refused() else made.rows(network)

    assert listed(text)[network] == expected, "run python tests/importers/torchvision_table.py"


def test_the_page_has_all_networks_and_says_around_them_what_the_script_writes() -> None:
    made, text = table(), PAGE.read_text(encoding="utf-8")
    lines = listed(text)
    rows = [[line for name in names for line in lines[name]] for names in (made.networks(), made.refused())]

    assert made.page(*map("\n".join, rows)) == text, "run python tests/importers/torchvision_table.py"
