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
    watched = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size((NARROW, 24)).columns if watched else NARROW


def wants_ascii(stream: object = None) -> bool:
    """Tell whether a stream cannot show Unicode."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "") not in ("utf8", "utf8sig", "utf16", "utf32")


def emit(text: str, path: Path | None, *, ascii_only: bool) -> None:
    """Write the result: to a file, whole or not at all, or to standard output, which ``-`` also names."""
    path = None if path == Path("-") else path
    if ascii_only or (path is None and wants_ascii()):
        from convmath.render.cells import to_ascii

        text = to_ascii(text)
    if path is None:
        _print(text)
    else:
        write_whole(path, text + "\n")


def _print(text: str) -> None:
    """Write to standard output.

    Raises ``UsageError`` where it is closed or full, and ``BrokenPipeError`` where its reader is gone.
    """
    try:
        if sys.stdout is None:
            raise UsageError("standard output is closed")
        click.echo(coloured(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        stdout_is_gone()
        raise UsageError(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}") from None


def coloured(text: str) -> str:
    """Return text with green and red verdicts, and no other colour; none at all with NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return text
    return text.replace("✓", click.style("✓", fg="green")).replace("✗", click.style("✗", fg="red"))


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is never seen half written; Raises ``UsageError`` where it cannot be."""
    raw = content.encode("utf-8") if isinstance(content, str) else content
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        if target.is_dir():
            raise UsageError(f"{inert(str(path))} is a directory")
        if path.exists() and not target.is_file():  # a device or a pipe is written to, never replaced
            path.write_bytes(raw)
            return
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as file:
            temporary = Path(file.name)
            file.write(raw)
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
    with suppress(OSError, ValueError):
        click.echo(text, err=True)


def remark(text: str) -> None:
    """Write a note to standard error, on a terminal only."""
    if sys.stderr is not None and sys.stderr.isatty():
        complain(text)


def stdout_is_gone() -> None:
    """Keep the interpreter from complaining when it flushes a pipe that nobody reads."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
