"""LaTeX that convmath writes compiles as it stands, with the packages that it names and without shell escape."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hostile import NAMES, carrier

from convmath.api import Report, formulas, load, sharing_scale, sheet
from convmath.render.latex import PACKAGES
from convmath.spec.kinds import VOCABULARY
from convmath.zoo.catalogue import names

pytestmark = pytest.mark.tex
NEEDS = f"% needs \\usepackage{{{','.join(PACKAGES)}}}"
MOST_OVERFULL = 15
"""So many points may stand out into the margin of an article: about two letters."""


def typeset(folder: Path, *fragments: str, before: str = "") -> str:
    """Return the log of a document made of *fragments*; it is run twice, as long tables need."""
    body = "\n\n\\clearpage\n".join(fragments)
    packages = re.findall(r"^% needs (.*)$", body, re.MULTILINE)
    text = f"\\documentclass{{article}}\n{before}{packages[0]}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (folder / "page.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    plain = {**os.environ, "openout_any": "p", "openin_any": "p", "max_print_line": "1000"}
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, env=plain, capture_output=True, check=False, timeout=120)
        log = done.stdout.decode("latin-1")
        assert done.returncode == 0, log[-2000:]
    assert (folder / "page.pdf").stat().st_size > 5000
    return log


def overfull(log: str) -> list[str]:
    found = re.findall(r"^(Overfull \\hbox \(([0-9.]+)pt.*)$", log, re.MULTILINE)
    return [line for line, points in found if float(points) > MOST_OVERFULL]


@pytest.mark.parametrize("name", ["alexnet", "lenet5", "mobilenet_v1", "vgg16"])
def test_formulas_with_steps_compile_and_fit_the_page(tmp_path: Path, name: str) -> None:
    log = typeset(tmp_path, formulas(load(f"zoo:{name}"), steps=True).to_latex())

    assert overfull(log) == []


@pytest.mark.parametrize("name", ["alexnet", "lenet5", "vgg16"])
def test_analyses_compile_and_fit_the_page(tmp_path: Path, name: str) -> None:
    log = typeset(tmp_path, Report(load(f"zoo:{name}")).to_latex())

    assert overfull(log) == []


@pytest.mark.full
def test_all_of_the_zoo_compiles(tmp_path: Path) -> None:
    reports = [Report(load(f"zoo:{name}")) for name in names()]

    typeset(
        tmp_path,
        *(formulas(load(f"zoo:{name}"), steps=True).to_latex() for name in names()),
        *(each.to_latex(all_layers=True) for each in reports),
    )


WIDE = ("squeeze_excitation", "layer_norm", "group_norm", "instance_norm", "reshape")
"""Kinds whose equation is one fraction, or one element, wider than a column."""


def test_the_whole_sheet_compiles_and_fits_the_page(tmp_path: Path) -> None:
    log = typeset(
        tmp_path, *(sheet(kind).to_latex() for kind in VOCABULARY if kind not in WIDE), sharing_scale().to_latex()
    )

    assert overfull(log) == []


def test_wide_equations_of_the_sheet_compile(tmp_path: Path) -> None:
    typeset(tmp_path, *(sheet(kind).to_latex() for kind in WIDE))


@pytest.mark.parametrize("before", ["", "\\usepackage[T1]{fontenc}\n"])
def test_hostile_names_compile_and_do_nothing(tmp_path: Path, before: str) -> None:
    net = carrier(NAMES, title="".join(NAMES)[:200])

    log = typeset(tmp_path, formulas(net, steps=True).to_latex(), Report(net).to_latex(all_layers=True), before=before)

    assert "/etc/passwd" not in re.findall(r"\(([^()\s]*)", log)
    assert "runsystem" not in log
    assert {each.name for each in tmp_path.iterdir()} == {"page.tex", "page.aux", "page.log", "page.pdf"}


def test_every_fragment_names_its_packages_first() -> None:
    for written in (formulas(load("zoo:lenet5")).to_latex(), sheet("conv").to_latex(), sharing_scale().to_latex()):
        assert written.splitlines()[0] == NEEDS


def test_a_document_that_is_broken_does_not_compile(tmp_path: Path) -> None:
    """The test of the test: a name that is not escaped stops TeX."""
    with pytest.raises(AssertionError):
        typeset(tmp_path, f"{NEEDS}\n\\texttt{{{NAMES[0]}}}")
