"""A formula printed in any format and read back gives the same values, and different names stay different."""

from __future__ import annotations

import string
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from reading import Anywhere, read_latex, read_mathml, value_of
from strategies import NAMES, Point, Tree, formula_of, number_of, points, trees
from test_formula import READING_LIMITS, sums_of_floors
from test_sums import terms

from convmath.api import formulas, load
from convmath.errors import ExpressionError
from convmath.formula import Formula, Value, bind, power_of, product_of, sum_over, symbol
from convmath.formula.latex import latex_name, latex_node, write_latex
from convmath.formula.layout import arrange
from convmath.formula.mathml import mathml_node, mathml_terms
from convmath.formula.nodes import Name, Node, substitute
from convmath.formula.notation import read
from convmath.formula.text import write, write_node
from convmath.render.cells import to_ascii
from convmath.render.markdown import write as write_markdown
from convmath.render.page import Facts, Grid, Heading, Line, Math, Page, math
from convmath.spec.expressions import is_name, parse_expression
from convmath.spec.kinds import VOCABULARY
from convmath.symbolic.compose import derive
from convmath.symbolic.general import equation_of, general
from convmath.zoo.catalogue import names

QUANTITIES = ("params", "buffers", "macs", "flops", "activations", "peak_activations")


def in_markdown(formula: Value) -> Node:
    """Return what stands between the dollars of a Markdown page."""
    page = Page((), (), (Line((math(formula, textbook=True),)),))
    head, text, rest = write_markdown(page).rsplit("$", 2)
    assert (head.strip("# \n"), rest) == ("", "")
    return read_latex(text)


def read_everywhere(formula: Value) -> Iterator[tuple[str, Node]]:
    """Yield the trees that readers of the formats get, both ceilings and floors being used."""
    for textbook in (False, True):
        node = arrange(formula, textbook=textbook)
        yield "tree", node
        yield "LaTeX", read_latex(write_latex(formula, textbook=textbook))
        yield "MathML", read_mathml(mathml_node(node))
        yield "text", read_text(write_node(node))
    yield "Markdown", in_markdown(formula)


def read_text(text: str) -> Node:
    """Return the tree of a text; the sheet's names H' and W' are its own and no part of the grammar."""
    return substitute(read(text.replace("'", "_prime")), {f"{name}_prime": Name(f"{name}'") for name in "HWL"})


def read_by_the_grammar(text: str) -> Value:
    try:
        return parse_expression(text).evaluate(symbol)
    except ExpressionError as error:
        if error.code not in READING_LIMITS:
            raise
        reject()


@given(st.one_of(trees, sums_of_floors()), points)
@example(("**", ("/", 1, "H"), 2), {"H": 3, "W": 0, "k": 0, "n": 0})
@example(("**", ("-", 0, "H"), 3), {"H": 3, "W": 0, "k": 0, "n": 0})
@example(("/", ("+", "H", 1), ("*", "W", "k")), {"H": 3, "W": 2, "k": 5, "n": 0})
def test_every_format_is_read_back_with_the_same_values(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)
    formula = formula_of(tree)

    for form, node in read_everywhere(formula):
        assert value_of(node, point) == expected, form


@given(trees, points)
def test_ascii_is_read_back_with_the_same_values(tree: Tree, point: Point) -> None:
    expected = number_of(tree, point)

    text = to_ascii(write(formula_of(tree)))

    assert text.isascii()
    assert bind(read_by_the_grammar(text), point) == expected


@given(terms(), st.integers(1, 5), st.integers(1, 9), st.integers(1, 3))
def test_sums_without_a_closed_form_are_read_back(term: Value, times: int, size: int, power: int) -> None:
    kept = sum_over(symbol("H") // power_of(2, symbol("i")) + term, "i", 0, symbol("n") - 1)
    formula = 3 * symbol("H") * kept**power + kept
    point = {"n": times, "H": size}

    for form, node in read_everywhere(formula):
        assert value_of(node, point) == bind(formula, point), (form, write_latex(formula))


@cache
def closed_forms(name: str) -> tuple[Formula, ...]:
    """Return every formula that the report of a network holds: its totals, its layers, their receptive fields."""
    found: dict[Value, None] = {}
    held = derive(load(f"zoo:{name}"))
    for record in (held.totals, *held.layers):
        found |= dict.fromkeys(record.output_shape)
        found |= {getattr(record, each): None for each in QUANTITIES if hasattr(record, each)}
        field = record.receptive_field
        for part in (field.size, field.jump, field.start, field.first, field.last):
            found |= dict.fromkeys(part or ())
    return tuple(each for each in found if isinstance(each, Formula))


@pytest.mark.parametrize("name", names())
def test_every_formula_of_the_zoo_is_read_back_with_the_same_values(name: str) -> None:
    random = Random(name)

    for formula in closed_forms(name):
        point = {each: random.randint(1, 500) for each in formula.names}
        expected = bind(formula, point)
        for form, node in read_everywhere(formula):
            assert value_of(node, point) == expected, (form, write(formula))


@pytest.mark.parametrize("kind", VOCABULARY)
def test_every_general_formula_is_read_back_with_the_same_values(kind: str) -> None:
    random = Random(kind)
    known = general(kind)
    report = known.report
    whole = [getattr(report.totals, each) for each in QUANTITIES] + [*report.totals.output_shape]
    sides = [side for each in report.totals.valid_when for side in (each.left, each.right)]

    for formula in [*whole, *known.short.values(), *sides]:
        if isinstance(formula, Formula):
            point = {each: random.randint(1, 9) for each in formula.names}
            expected = bind(formula, point)
            for form, node in read_everywhere(formula):
                assert value_of(node, point) == expected, (form, write(formula))


VALUES = Anywhere(
    {
        **dict(zip("CHWKgpqsdamn", (6, 5, 4, 6, 2, 2, 3, 2, 1, 1, 2, 3), strict=True)),
        **dict(zip("kijcex", (3, 1, 2, 2, 3, 2), strict=True)),
    }
)


@pytest.mark.parametrize("kind", VOCABULARY)
def test_every_defining_equation_is_read_back_with_the_same_values(kind: str) -> None:
    for side in equation_of(kind):
        if isinstance(side, Name):
            continue
        expected = value_of(side, VALUES)

        assert value_of(read_latex(latex_node(side)), VALUES) == pytest.approx(expected), latex_node(side)
        assert value_of(read_mathml(mathml_node(side)), VALUES) == pytest.approx(expected), mathml_node(side)
        assert value_of(read_text(write_node(side)), VALUES) == pytest.approx(expected)


def nodes_of(page: Page) -> Iterator[Node]:
    """Yield every piece of mathematics on a page."""
    for block in page.blocks:
        match block:
            case Heading(content) | Line(content):
                contents = [content]
            case Facts(rows):
                contents = [each for fact in rows for each in (fact.label, fact.content)]
            case Grid(rows=rows, foot=foot):
                contents = [line for row in (*rows, foot) for cell in row for line in cell]
        for inline in (inline for content in contents for inline in content):
            if isinstance(inline, Math):
                yield from (part for part in inline.parts if not isinstance(part, str))


@pytest.mark.parametrize("name", names())
def test_what_stands_on_pages_is_read_back_with_the_same_values(name: str) -> None:
    page = formulas(load(f"zoo:{name}"), steps=True).page
    point = Anywhere(zip("HWLx", (331, 287, 1234, 45), strict=True))
    nodes = set(nodes_of(page))

    assert len(nodes) > 10
    for node in nodes:
        expected = value_of(node, point)
        assert value_of(read_latex(latex_node(node)), point) == expected, write_node(node)
        assert value_of(read_mathml(mathml_node(node)), point) == expected, write_node(node)
        assert value_of(read_text(write_node(node)), point) == expected, write_node(node)
        apart = " ".join(f"<mrow>{term}</mrow>" for term in mathml_terms(node))
        assert value_of(read_mathml(apart), point) == expected, apart


symbol_names = st.one_of(
    st.text(alphabet="abHx_1", min_size=1, max_size=5),
    st.sampled_from(["alpha", "alpha_1", "alphabeta", "pi", "Pi", "lambda_", "mu", "m_u", "max_", "H1", "H_1", "H__1"]),
).filter(is_name)


@given(symbol_names)
def test_a_name_is_read_back(name: str) -> None:
    assert read_latex(latex_name(name)) == Name(name)
    assert read_mathml(mathml_node(Name(name))) == Name(name)


def test_different_names_stay_different_in_print() -> None:
    several = ["a_b", "ab", "a__b", "a_", "_a", "a_b_", "alpha", "Alpha", "al_pha", "H1", "H_1", "H", "h", "a_b_c"]

    for one, other in combinations(several, 2):
        assert latex_name(one) != latex_name(other)
        assert mathml_node(Name(one)) != mathml_node(Name(other))


@given(st.lists(symbol_names, min_size=1, max_size=4), st.integers(1, 12), st.integers(1, 2))
def test_products_of_any_names_are_read_back(several: list[str], number: int, power: int) -> None:
    formula = product_of([number, *(symbol(each) ** power for each in several)])
    point = dict(zip(several, (3, 5, 7, 11), strict=False))

    for form, node in read_everywhere(formula):
        assert value_of(node, point) == bind(formula, point), (form, write_latex(formula))


MARKDOWN_LEAVES = set(string.ascii_letters + string.digits + " +-/^_{}()[],='\\")


@given(st.one_of(trees, sums_of_floors()))
def test_latex_keeps_to_signs_that_markdown_leaves_alone(tree: Tree) -> None:
    number_of(tree, dict.fromkeys(NAMES, 3))
    text = write_latex(formula_of(tree))

    assert set(text) <= MARKDOWN_LEAVES
    assert "\\\\" not in text
    assert not any(f"\\{sign}" in text for sign in string.punctuation)


@given(st.lists(symbol_names, min_size=1, max_size=4))
def test_a_letter_stands_before_every_underscore(several: list[str]) -> None:
    """Between brackets it might begin an emphasis, and Markdown would eat it."""
    text = write_latex(product_of([symbol(each) ** 2 for each in several]))

    assert all(letter.isalnum() for letter, after in pairwise(text) if after == "_")


def test_a_reader_notices_a_wrong_formula() -> None:
    """The readers are no rubber stamp: a bracket that is missing changes the value."""
    point = {"H": 5, "W": 3}

    assert value_of(read_latex("2 (H + W)"), point) == 16
    assert value_of(read_latex("2 H + W"), point) == 13
    assert value_of(read_mathml("<mn>2</mn><mo>·</mo><mrow><mi>H</mi><mo>+</mo><mi>W</mi></mrow>"), point) == 13
    with pytest.raises(AssertionError):
        read_latex("2 (H + W")
