"""Every example of the README and the documentation, run as a reader would."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"(?:<!-- file: (?P<file>[\w./-]+) -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Example(NamedTuple):
    language: str
    body: str
    file: str | None
    line: int


def examples(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    return [
        Example(found["language"], found["body"], found["file"], text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]


def commands(body: str) -> list[tuple[str, str]]:
    """Return each command of a console block with the output that is shown for it."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    return [(command.strip(), shown) for command, _, shown in (part.partition("\n") for part in parts)]


def run(command: str, folder: Path) -> str:
    """Return what a command writes to standard output; only convmath itself is run, without a shell."""
    program, *arguments = shlex.split(command)
    assert program == "convmath"
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "convmath", *arguments],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert "internal error" not in done.stderr
    return done.stdout


def shows(shown: str, printed: str) -> bool:
    """Tell whether the output is the shown one, a line of three dots standing for any lines."""
    pattern = "".join(
        "(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()) + "[ ]*\n"
        for line in shown.rstrip("\n").split("\n")
    )
    return re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n") is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in examples(page):
        where = f"{page.name}:{example.line}"
        if example.file:
            (tmp_path / example.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / example.file).write_text(example.body, encoding="utf-8")
        if example.language == "console":
            for command, shown in commands(example.body):
                printed = run(command, tmp_path)
                if shown.strip():
                    assert shows(shown, printed), f"{where}: {command} printed\n{printed}"
        if example.language == "yaml" and example.body.startswith("convmath: 1"):
            parsed(example.body, where)
        if example.language == "python" and ">>>" in example.body:
            check_session(example.body, names, where)


def parsed(body: str, where: str) -> None:
    from convmath.api import load_bytes

    load_bytes(body.encode(), where)


def check_session(body: str, names: dict[str, object], where: str) -> None:
    test = doctest.DocTestParser().get_doctest(body, names, where, where, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    runner.run(test, out=report.append, clear_globs=False)
    names.update(test.globs)
    assert runner.failures == 0, "".join(report)


def test_the_docstring_of_the_package() -> None:
    import convmath

    assert doctest.testmod(convmath).failed == 0


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_wrong_output_is_noticed() -> None:
    assert shows("a\n...\nd\n", "a\nb\nc\nd\n")
    assert not shows("a\n...\nd\n", "a\nb\nc\n")
    assert not shows("a\n", "a\nb\n")
