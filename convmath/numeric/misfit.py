"""What a kernel raises when a layer does not fit its input; the executor adds which layer it is."""

from __future__ import annotations


class Misfit(Exception):  # noqa: N818 (it is no error of its own: the executor makes a SpecError of it)
    """A layer and the array that arrives do not go together; the message has the numbers."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def show_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as text: ``3 × 224 × 224``."""
    return " × ".join(map(str, shape)) or "a single number"
