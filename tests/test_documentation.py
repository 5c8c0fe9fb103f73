"""Every example of the README and the documentation, run as a reader would."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"(?:<!-- (?P<what>file|append to): (?P<file>[\w./-]+) -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
WITH_PEERS = {"models.md": (pytest.mark.peers, pytest.mark.onnx, pytest.mark.filterwarnings("ignore"))}
"""Pages whose examples need PyTorch, which warns of its own older exporter."""
ADDING = ROOT / "docs" / "adding-a-layer.md"


class Example(NamedTuple):
    language: str
    body: str
    file: str | None
    appended: bool
    line: int


def examples(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    return [
        Example(
            found["language"],
            found["body"],
            found["file"],
            found["what"] == "append to",
            text.count("\n", 0, found.start()) + 1,
        )
        for found in FENCE.finditer(text)
    ]


def commands(body: str) -> list[tuple[str, str]]:
    """Return each command of a console block with the output that is shown for it."""
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
    return [(command.strip(), shown) for command, _, shown in (part.partition("\n") for part in parts)]


def run(command: str, folder: Path) -> tuple[str, int]:
    """Return what a command writes and its exit status; only convmath itself is run, without a shell.

    Errors show where a check failed. A copy of convmath in the folder comes before the installed one.
    """
    program, *arguments = shlex.split(command)
    assert program == "convmath"
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "convmath", *arguments],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert "internal error" not in done.stderr
    return done.stdout + done.stderr * (done.returncode == 1), done.returncode


def shows(shown: str, printed: str) -> bool:
    """Tell whether the output is the shown one, a line of three dots standing for any lines."""
    pattern = "".join(
        "(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()) + "[ ]*\n"
        for line in shown.rstrip("\n").split("\n")
    )
    return re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n") is not None


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=WITH_PEERS.get(page.name, ()), id=page.relative_to(ROOT).as_posix()) for page in PAGES],
)
def test_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {}
    for example in examples(page):
        where = f"{page.name}:{example.line}"
        if example.file:
            write(example, tmp_path)
        if example.language == "console":
            status = 0
            for command, shown in commands(example.body):
                printed = f"{status}\n"
                if command != "echo $?":
                    printed, status = run(command, tmp_path)
                if shown.strip():
                    assert shows(shown, printed), f"{where}: {command} printed\n{printed}"
        if example.language == "yaml" and example.body.startswith("convmath: 1"):
            parsed(example.body, where)
        if example.language == "python" and ">>>" in example.body:
            check_session(example.body, names, where)


def write(example: Example, folder: Path) -> None:
    """Write the file that a block is, or append the block to a copy of one of ours as its page says."""
    path = folder / str(example.file)
    if not example.appended:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.body, encoding="utf-8")
        return
    for part in ("convmath", "docs"):
        if not (folder / part).exists():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    before, body = path.read_text(encoding="utf-8"), example.body
    if example.language == "python":
        body = "".join(re.split(r"^(?=@)", example.body, maxsplit=1, flags=re.MULTILINE)[1:])
        imports = example.body.removesuffix(body).strip()
        head = "from __future__ import annotations\n"
        before = before.replace(head, f"{head}\n{imports}\n", 1) + "\n\n"
    path.write_text(before + body, encoding="utf-8")


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


def test_a_layer_stands_in_five_places_and_the_generated_pages_have_it(tmp_path: Path) -> None:
    for example in examples(ADDING):
        if example.appended:
            write(example, tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"}

    places = [example.file for example in examples(ADDING) if example.appended]
    done = subprocess.run([sys.executable, "docs/generate.py"], cwd=tmp_path, env=environment, check=True)
    verified = subprocess.run(
        [sys.executable, "-m", "convmath", "verify", "--kind", "subsampling", "--samples", "60"],
        cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip

    assert len(places) == len(set(places)) == 5
    assert done.returncode == verified.returncode == 0
    assert "### `subsampling`" in (tmp_path / "docs" / "kinds.md").read_text(encoding="utf-8")
    assert "[`subsampling`](kinds.md#subsampling)" in (tmp_path / "docs" / "language.md").read_text(encoding="utf-8")
    assert "`Subsampling(kernel_size)`" in (tmp_path / "docs" / "api.md").read_text(encoding="utf-8")


def test_generated_pages_are_current(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    kinds = tmp_path / "docs" / "kinds.md"

    def check() -> int:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "docs/generate.py", "--check"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, check=False)
        return done.returncode

    assert check() == 0, "run python docs/generate.py"
    kinds.write_text(kinds.read_text(encoding="utf-8").replace("### `conv`", "### `convolution`"), encoding="utf-8")
    assert check() == 1


def test_the_paper_loads_what_the_fragment_needs() -> None:
    found = {example.file: example.body for example in examples(ROOT / "docs" / "formulas.md")}
    import convmath

    fragment = convmath.formulas(convmath.load("zoo:lenet5"), steps=True).to_latex()

    needed = fragment.partition("\n")[0].removeprefix("% needs ")
    assert needed in found["paper.tex"]


def test_every_page_is_listed_on_the_first() -> None:
    first = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}

    assert {page for page in pages if f"]({page})" in first} == pages


def test_all_extras_are_installed_by_ci_and_those_for_users_are_in_all() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    installed = re.search(r"-e '\.\[([\w,]+)\]'", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))

    assert installed is not None
    assert set(installed[1].split(",")) == set(extras)
    apart = {"all", "check", "peers", "test", "torch"}  # most have the build of torch that goes with their machine
    assert extras["all"] == [f"convmath[{','.join(sorted(set(extras) - apart))}]"]


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_wrong_output_is_noticed() -> None:
    assert shows("a\n...\nd\n", "a\nb\nc\nd\n")
    assert not shows("a\n...\nd\n", "a\nb\nc\n")
    assert not shows("a\n", "a\nb\n")
