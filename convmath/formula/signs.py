"""What the form alone shows about a sign, every symbol being zero or more."""

from __future__ import annotations

from collections.abc import Mapping

from convmath.formula.terms import Formula, Value, symbol


def nonnegative(value: Value) -> bool:
    """Tell whether the form shows that the value is never negative; False means unknown."""
    if not isinstance(value, Formula):
        return value >= 0
    return all(
        coefficient >= 0 and all(exponent % 2 == 0 or _nonnegative_atom(atom) for atom, exponent in monomial)
        for monomial, coefficient in value.terms.items()
    )


def _nonnegative_atom(atom: object) -> bool:
    from convmath.formula import atoms

    match atom:
        case atoms.Floor() | atoms.Min() | atoms.Inverse():
            return all(nonnegative(argument) for argument in atom.arguments)
        case atoms.Max():
            return any(nonnegative(argument) for argument in atom.arguments)
        case _:
            return True


def positive(value: Value) -> bool:
    """Tell whether the value is a number above zero, or a divisor that no symbol makes negative.

    A divisor that can be zero is an error at that value, wherever it stands.
    """
    return nonnegative(value) and value != 0


def at_least(value: Value, least: Mapping[str, Value]) -> Value:
    """Return *value* with each symbol written as its least value plus the symbol.

    What is nonnegative afterwards is nonnegative wherever the symbols are not below.
    """
    if not isinstance(value, Formula):
        return value
    return value.bind({name: low + symbol(name) for name, low in least.items() if name in value.names})


