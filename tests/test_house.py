"""Promises about the code itself: what is imported when, what never stands in it, how it is laid out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import convmath

PACKAGE = Path(convmath.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("sympy", "numpy", "yaml", "tabulate", "click", "onnx", "torch")


def loaded_after(code: str) -> set[str]:
    """Return which heavy packages a fresh interpreter has loaded after running *code*."""
    probe = f"{code}\nimport sys\nprint('LOADED', *[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_importing_convmath_loads_nothing_heavy() -> None:
    assert loaded_after("import convmath") == set()


def test_help_loads_neither_sympy_nor_numpy() -> None:
    assert loaded_after("from convmath.cli.main import run\nrun(['--help'])") == {"click"}


def test_numbers_load_neither_sympy_nor_numpy() -> None:
    code = """
import convmath as cm
cm.analyze(cm.stack(cm.Conv(4, 3), cm.MaxPool(2), cm.Flatten(), cm.Dense(10), input=(3, 32, 32))).to_json()
"""
    assert loaded_after(code) == set()


def test_json_and_csv_do_not_pay_for_tabulate() -> None:
    code = "from convmath.cli.main import run\nrun(['analyze', 'zoo:lenet5', '--format', '{}'])"

    assert loaded_after(code.format("json")) == {"click", "yaml"}
    assert loaded_after(code.format("csv")) == {"click", "yaml"}


def test_formulas_on_the_command_line_need_no_sympy() -> None:
    assert loaded_after("from convmath.cli.main import run\nrun(['analyze', 'zoo:vgg16'])") == {
        "click",
        "yaml",
        "tabulate",
    }


def test_the_probe_itself_sees_what_is_loaded() -> None:
    assert loaded_after("import numpy, yaml") == {"numpy", "yaml"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_text_is_ever_run(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    called |= {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert called.isdisjoint(
        {"eval", "exec", "sympify", "parse_expr", "lambdify", "srepr", "__import__", "compile"} - {"compile"}
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_public_names_are_sorted_documented_and_no_modules() -> None:
    modules = {path.stem for path in PACKAGE.iterdir()}

    assert convmath.__all__ == sorted(convmath.__all__)
    for name in convmath.__all__:
        assert getattr(convmath, name).__doc__, name
        assert name not in modules, name


def test_nobody_inside_imports_from_the_package_root() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "convmath" and path.parent.name != "cli":
                assert {alias.name for alias in node.names} <= {"limits"}, path
