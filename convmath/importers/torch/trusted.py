"""Modules that a callable of somebody's own code makes, named ``package.module:callable``: importing runs that code."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convmath.errors import Problem, SpecError, UsageError, inert
from convmath.spec.expressions import is_name

if TYPE_CHECKING:
    from torch.nn import Module

SHAPE = "write channels and sizes with commas between them, as in --input-shape 3,H,W"


def made_by(spec: str) -> Module:
    """Return the module of PyTorch that ``package.module:callable`` makes, as it is used: in evaluation mode.

    Modules are looked for in the current directory first, as ``python -m`` does. What the
    code prints goes to standard error.

    Raises ``UsageError`` where there is no such module or callable, or it makes something
    else; ``SpecError`` where its code fails.
    """
    home, _, path = spec.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    found: Any = None
    try:
        with redirect_stdout(sys.stderr):
            found = _attribute(_imported(home), home, path)
            made = found() if isinstance(found, type) or not hasattr(found, "state_dict") else found
    except (UsageError, SpecError):
        raise
    except (Exception, SystemExit) as error:
        raise _failed(spec, error, found) from error
    finally:
        sys.path.remove(here)
    if not hasattr(made, "state_dict") or not hasattr(made, "train"):
        raise UsageError(f"{inert(spec)} makes {inert(type(made).__name__)}, which is no torch.nn.Module")
    held: Module = made.train(mode=False)
    return held


def _imported(home: str) -> Any:
    try:
        return import_module(home)
    except ModuleNotFoundError as error:
        if error.name is not None and (home == error.name or home.startswith(f"{error.name}.")):
            raise UsageError(f"there is no Python module '{inert(home)}' here or among those installed") from None
        raise


def _attribute(module: Any, home: str, path: str) -> Any:
    found = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"the Python module '{inert(home)}' has no '{inert(path)}'")
        found = getattr(found, part)
    return found


def _failed(spec: str, error: Exception | SystemExit, called: Any) -> SpecError:
    """Return the error for code that fails: where, and what it says; where it is defined if it was never reached."""
    frames = []
    step = error.__traceback__
    while step is not None:
        frames.append(step)
        step = step.tb_next
    own = [each for each in frames if each.tb_frame.f_code.co_filename.startswith(f"{Path.cwd()}{os.sep}")]
    last = (own or frames)[-1]
    place = (last.tb_frame.f_code.co_filename, last.tb_lineno)
    if isinstance(error, SyntaxError) and error.filename:
        place = (error.filename, error.lineno or 1)
    elif place[0] == __file__:
        made = getattr(called, "__init__", None) if isinstance(called, type) else called
        code = getattr(made, "__code__", None)
        place = ("", 0) if code is None else (code.co_filename, code.co_firstlineno)
    where = f" at {Path(place[0]).name}:{place[1]}" if place[0] else ""
    text = " ".join(str(error).split())[:300]
    message = f"{spec}: its code fails{where}: {type(error).__name__}: {text}"
    return SpecError(Problem("model-code", message, "call it in Python first; it must work without arguments"))


def shapes_of(given: Sequence[str]) -> Any:
    """Read ``3,H,W`` or several of ``name=3,H,W``; Raises ``UsageError`` for what is none."""
    named: dict[str, tuple[int | str, ...]] = {}
    bare: list[tuple[int | str, ...]] = []
    for text in given or ("3,H,W",):
        name, equals, sizes = text.rpartition("=")
        shape = tuple(int(part) if part.isdecimal() else part for part in map(str.strip, sizes.split(",")))
        if not all(isinstance(each, int) or is_name(each) for each in shape) or (equals and not name.strip()):
            raise UsageError(f"--input-shape {inert(text)} is no shape; {SHAPE}")
        if equals:
            named[name.strip()] = shape
        else:
            bare.append(shape)
    if named and bare:
        raise UsageError("--input-shape names some inputs and others not; name all of them")
    found: Mapping[str, Any] | list[Any] = named or bare
    return found
