"""Claims on trial, from a file or from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from convmath import limits as limits_module
from convmath.errors import CheckFailed, inert
from convmath.limits import Limits
from convmath.report import Trial, Verdict
from convmath.spec.claims import read_claims
from convmath.spec.document import Document


class Verdicts:
    """The outcome of a trial: one verdict per claim, with the smallest counterexample where it is refuted."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    @property
    def expected(self) -> bool:
        """Whether every verdict is one that its claim allows."""
        return self.trial.expected

    def __getitem__(self, name: str) -> Verdict:
        """Return the verdict on the claim with this id; Raises ``KeyError`` where there is none."""
        for each in self.trial.verdicts:
            if each.id == name:
                return each
        raise KeyError(name)

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.trial.verdicts)

    def __len__(self) -> int:
        return len(self.trial.verdicts)

    def raise_if_unexpected(self) -> None:
        """Raise ``CheckFailed`` with the table, where a verdict is not one that its claim allows."""
        if not self.expected:
            raise CheckFailed(self.to_table())

    def to_json(self) -> str:
        """Return the verdicts as JSON, schema 1."""
        from convmath.render.claims import to_json

        return to_json(self.trial)

    def to_table(self, *, width: int = 80) -> str:
        """Return the table that the command line shows."""
        from convmath.render.claims import to_table

        return to_table(self.trial, width=width)

    def __str__(self) -> str:
        return self.to_table()

    def __repr__(self) -> str:
        found = ", ".join(f"{inert(each.id)} {each.verdict}" for each in self)
        return f"<{found}>"


def check(
    claims: str | Path | list[dict[str, Any]],
    *,
    limits: Limits = limits_module.DEFAULT,
    progress: Callable[[int], None] | None = None,
) -> Verdicts:
    """Put claims on trial: those of a file, or plain data as a file would hold under ``claims``.

    Raises ``UsageError`` for a file that does not exist, ``SpecError`` with all faults of
    all claims at once, ``LimitError`` for what is too large.
    """
    from convmath.spec.files import read_file

    if isinstance(claims, list):
        data = {"convmath-claims": 1, "claims": [dict(each) for each in claims]}
        return _tried(Document("claims", "", data), limits, progress)
    return _tried(read_file(Path(claims), limits), limits, progress)


def check_bytes(
    raw: bytes,
    file: str,
    *,
    limits: Limits = limits_module.DEFAULT,
    progress: Callable[[int], None] | None = None,
) -> Verdicts:
    """Put the claims in the bytes of a file on trial."""
    from convmath.spec.files import read_any

    return _tried(read_any(raw, file, limits), limits, progress)


def _tried(document: Document, limits: Limits, progress: Callable[[int], None] | None) -> Verdicts:
    from convmath.verification.claims import try_claims

    return Verdicts(try_claims(read_claims(document, limits), progress))
