"""What ``solve`` returns in Python: the solutions, and the ways to show them."""

from __future__ import annotations

from convmath.errors import inert
from convmath.report import Solution, Solved


class Answer:
    """What ``solve`` found: ``solutions`` by symbol; ``answer["H"]`` is one of them."""

    def __init__(self, solved: Solved) -> None:
        self.solved = solved

    @property
    def solutions(self) -> dict[str, Solution]:
        """The values of each symbol; see ``report.Solution``."""
        return {each.symbol: each for each in self.solved.solutions}

    def __getitem__(self, symbol: str) -> Solution:
        """Return the values of a symbol; Raises ``KeyError`` where it was not asked for."""
        return self.solutions[symbol]

    def to_json(self) -> str:
        """Return the answer as JSON, schema 1."""
        from convmath.render.solve import to_json

        return to_json(self.solved)

    def to_table(self, *, width: int = 80) -> str:
        """Return the table that the command line shows."""
        from convmath.render.solve import to_table

        return to_table(self.solved, width=width)

    def __str__(self) -> str:
        return self.to_table()

    def __repr__(self) -> str:
        return f"<solved: {inert(self.solved.network)}, {', '.join(self.solutions)}>"
