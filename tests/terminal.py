"""A real shell at a real terminal: keys go in, and what the finished line hands to the program comes out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

PATIENCE = 20.0
"""Seconds until a shell counts as stuck."""
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--private", "-i"],
}
PREPARE = {
    "bash": 'PS1="> "; eval "$(convmath completion bash)"',
    "zsh": 'PS1="> "; autoload -Uz compinit && compinit -u -D; eval "$(convmath completion zsh)"',
    "fish": "convmath completion fish | source",
}


def stand_in(folder: Path) -> Path:
    """Put a program called convmath into a folder: it answers shells, and otherwise shows what it was given."""
    program = folder / "convmath"
    real = f'exec "{sys.executable}" -m convmath "$@"'
    program.write_text(
        f'#!/bin/sh\nif [ -n "$_CONVMATH_COMPLETE" ] || [ "$1" = completion ]; then {real}; fi\n'
        "printf 'GOT'; printf '[%s]' \"$@\"; printf 'END\\n'\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return program


def typed(shell: str, keys: str, folder: Path, program: Path) -> list[str]:
    """Return the words that the program is given when *keys* and Return are typed in a folder."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("COMP_", "_CONVMATH"))},
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]),
        "HOME": str(folder),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    near, far = pty.openpty()
    running = subprocess.Popen(
        START[shell], stdin=far, stdout=far, stderr=far, cwd=folder, env=environment,
        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),  # noqa: PLW1509  (no thread runs)
    )  # fmt: skip
    os.close(far)
    try:
        os.write(near, f"{PREPARE[shell]}; convmath is ready\r".encode())
        _seen(near, r"GOT\[is\]\[ready\]END")
        os.write(near, f"{keys}\r".encode())
        return re.findall(r"\[([^\]]*)\]", _seen(near, r"GOT((?:\[[^\]]*\])+)END"))
    finally:
        running.kill()
        running.wait()
        os.close(near)


def _seen(near: int, pattern: str) -> str:
    """Return what matches first in what the terminal shows from now on."""
    shown = ""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if select.select([near], [], [], 0.1)[0]:
            shown += os.read(near, 65536).decode("utf-8", "replace")
        found = re.search(pattern, shown)
        if found:
            return found[0]
    raise AssertionError(f"the shell never showed {pattern}, but {shown!r}")
