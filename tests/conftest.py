"""What every test run shares: hypothesis settings, visible deselection, and no silent skips."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from shutil import which

import pytest
from hypothesis import settings

settings.register_profile("convmath", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "convmath")
"""In CI the same examples are drawn every time, so that a verdict belongs to the commit; elsewhere new ones are."""

EXTRAS = {"solver": ("z3", "proof", "proofs by z3"), "onnx": ("onnx", "onnx", "tests with models of ONNX")}
"""Marks of tests that need an extra: the package to look for, the extra, and what the tests are."""
PEERS = ("torch", "onnxruntime", "onnxscript", "markdown_it", "cmarkgfm", "fvcore", "torchinfo", "ptflops")
MORE = ("torchvision",)
"""Peers outside the extra, which a test names: ``pytest.mark.peers("torchvision")``."""
TEX = "apt-get install texlive-latex-base texlive-latex-recommended"
ALLOWED_SKIPS: tuple[str, ...] = ()
"""Reasons for which a test may be skipped; there is none."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="run everything: long suites and all peers, which must be there"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = absent_peers()
    absent = {mark: extra for mark, (package, extra, _) in EXTRAS.items() if find_spec(package) is None}
    tex = which("pdflatex")
    full = config.getoption("--full")
    if full and missing:
        raise pytest.UsageError(f"--full needs all peers, as .ci/run installs them; missing: {', '.join(missing)}")
    if full and absent:
        raise pytest.UsageError(
            f"--full needs all extras, as .ci/run installs them; missing: {', '.join(absent.values())}"
        )
    if full and not tex:
        raise pytest.UsageError(f"--full needs pdflatex: {TEX}")
    left_out = [
        item
        for item in items
        if lacks(item, missing)
        or any(item.get_closest_marker(mark) for mark in absent)
        or (not tex and item.get_closest_marker("tex"))
        or (not full and item.get_closest_marker("full"))
    ]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = left_out


def absent_peers() -> list[str]:
    """Return the libraries to compare with that are not installed."""
    return [name for name in (*PEERS, *MORE) if find_spec(name) is None]


def lacks(item: pytest.Item, missing: list[str]) -> bool:
    """Tell whether a library is missing that the test compares with."""
    marker = item.get_closest_marker("peers")
    return marker is not None and any(name in missing for name in (*PEERS, *marker.args))


LEFT_OUT = pytest.StashKey[list[pytest.Item]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash.get(LEFT_OUT, [])
    missing = absent_peers()
    peers = sum(lacks(item, missing) for item in left_out)
    if peers:
        terminalreporter.write_line(f"{peers} comparisons with other libraries need: pip install '.[peers]'")
    extras = 0
    for mark, (package, extra, what) in EXTRAS.items():
        count = 0 if find_spec(package) else sum(item.get_closest_marker(mark) is not None for item in left_out)
        extras += count
        if count:
            terminalreporter.write_line(f"{count} {what} need: pip install '.[{extra}]'")
    tex = 0 if which("pdflatex") else sum(item.get_closest_marker("tex") is not None for item in left_out)
    if tex:
        terminalreporter.write_line(f"{tex} tests that typeset documents need pdflatex: {TEX}")
    if len(left_out) > peers + extras + tex:
        terminalreporter.write_line(f"{len(left_out) - peers - extras - tex} long tests run with --full")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.skipped and not any(reason in str(report.longrepr) for reason in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and the reason is not one of {ALLOWED_SKIPS}: {report.longrepr}"
    return report
