"""Where text goes: the result to standard output or a whole file, everything else to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from convmath.errors import UsageError, inert

NARROW = 80


def width() -> int:
    """Return how wide the output may be: the terminal's width, 80 columns elsewhere."""
    return shutil.get_terminal_size((NARROW, 24)).columns if sys.stdout.isatty() else NARROW


def wants_ascii(stream: object = None) -> bool:
    """Tell whether a stream cannot show Unicode."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "") not in ("utf8", "utf8sig", "utf16", "utf32")


def emit(text: str, path: Path | None, *, ascii_only: bool) -> None:
    """Write the result: to a file, whole or not at all, or to standard output."""
    if ascii_only or (path is None and wants_ascii()):
        from convmath.render.cells import to_ascii

        text = to_ascii(text)
    if path is None:
        click.echo(text)
    else:
        write_whole(path, text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is never seen half written; Raises ``UsageError`` where it cannot be."""
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        if target.is_dir():
            raise UsageError(f"{inert(str(path))} is a directory")
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False, newline="") as file:
            temporary = Path(file.name)
            file.write(text)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        temporary.chmod(mode)
        temporary.replace(target)
    except OSError as error:
        raise UsageError(f"{inert(str(path))} cannot be written: {error.strerror}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def complain(text: str) -> None:
    """Write a message to standard error."""
    if wants_ascii(sys.stderr):
        from convmath.render.cells import to_ascii

        text = to_ascii(text)
    with suppress(BrokenPipeError):
        click.echo(text, err=True)


def remark(text: str) -> None:
    """Write a note to standard error, on a terminal only."""
    if sys.stderr.isatty():
        complain(text)


def stdout_is_gone() -> None:
    """Keep the interpreter from complaining when it flushes a pipe that nobody reads."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
