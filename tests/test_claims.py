"""Claims on trial: their files, their verdicts, the smallest counterexample, and what the command shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import convmath as cm
from convmath.api import check_bytes
from convmath.cli.main import run
from convmath.formula import bind
from convmath.quantity import of_network, parse_quantity
from convmath.symbolic.compose import derive
from convmath.verification.proof import solver

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
LECTURES = EXAMPLES / "lectures.claims.yaml"

CONV = {"input": ["C", "H", "W"], "layers": [{"conv": {"out_channels": "K", "kernel_size": "k", "stride": "s"}}]}
PADDED = {
    "input": ["C", "H", "W"],
    "symbols": {"p": {"min": 0}},
    "layers": [
        {"conv": {"out_channels": "K", "kernel_size": "k", "stride": "s", "padding": "p", "dilation": "d"}},
    ],
}
RANGED = {**PADDED, "symbols": {"p": {"min": 0, "max": 3}}}
GROUPED = {
    "input": ["C", "H", "W"],
    "layers": [{"conv": {"out_channels": "K", "kernel_size": ["k", "q"], "groups": "g"}}],
}
POOLS = {"input": [3, "H", "W"], "layers": [{"conv": {"out_channels": 4, "kernel_size": 5}}, {"max_pool": 2}] * 2}
CEILED = {
    "input": [1, "L"],
    "layers": [{"max_pool": {"kernel_size": "k", "stride": "s", "padding": 0, "ceil_mode": True}}],
}
SAME = {
    "input": [1, "H"],
    "layers": [{"conv": {"out_channels": 1, "kernel_size": "k", "stride": "s", "padding": "same"}}],
}
TRANSPOSED = {"input": [1, "H"], "layers": [{"conv_transpose": {"out_channels": 1, "kernel_size": "k", "stride": "s"}}]}
DENSE = {"input": ["n"], "layers": [{"dense": "m"}, "relu", {"dense": "n"}]}
HALVED = {"conv": {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1}}
DEEP = {"input": [4, "L"], "layers": [{"repeat": {"times": "n", "layers": [HALVED]}}]}
WIDE = {
    "input": [3, 8, 8],
    "layers": [{"conv": {"out_channels": "8*2**n", "kernel_size": 3}}, {"conv": {"out_channels": 1, "kernel_size": 1}}],
}


def verdict(network: dict[str, Any], quantity: str, formula: str | int, **more: Any) -> Any:
    [found] = cm.check([{**network, "quantity": quantity, "formula": formula, **more}])
    return found


# What is true is proved, and the method is named.

TRUE = [
    (CONV, "params", "(C*k*k + 1)*K", "grid"),
    (CONV, "output_shape[1]", "floor((H - k)/s) + 1", "canonical"),
    (CONV, "output_shape[1]", "ceil((H - k + 1)/s)", "canonical"),
    (PADDED, "output_shape[1]", "floor((H + 2*p - d*(k - 1) - 1)/s) + 1", "canonical"),
    (RANGED, "output_shape[2]", "(W + 2*p - d*(k - 1) - 1 + s)//s", "canonical"),
    (PADDED, "receptive_field", "d*(k - 1) + 1", "grid"),
    (PADDED, "receptive_field.first[0]", "i*s - p", "grid"),
    (GROUPED, "params", "(C*k*q/g + 1)*K", "canonical"),
    (GROUPED, "macs", "C/g*k*q*K*(H - k + 1)*(W - q + 1)", "canonical"),
    (POOLS, "output_shape[1]", "floor((floor((H - 4)/2) - 4)/2)", "period"),
    (POOLS, "output_shape[2]", "ceil((W - 15)/4)", "period"),
    (POOLS, "receptive_field.size[0]", 16, "period"),
    (POOLS, "peak_activations", "3*H*W + 4*(H - 4)*(W - 4)", "grid"),
    (SAME, "output_shape[1]", "ceil(H/s)", "canonical"),
    (SAME, "output_shape[1]", "floor((H - 1)/s) + 1", "canonical"),
    (CEILED, "output_shape[1]", "min(ceil((L - k)/s) + 1, ceil(L/s))", "canonical"),
    (TRANSPOSED, "output_shape[1]", "s*(H - 1) + k", "grid"),
    (DENSE, "params", "2*n*m + n + m", "grid"),
    (DEEP, "output_shape[1]", "ceil(L/2**n)", "canonical"),
    (DEEP, "receptive_field", "2**(n + 1) - 1", "canonical"),
    (DEEP, "macs", "48*sum(ceil(L/2**j), j, 1, n)", "induction"),
    (WIDE, "params", "(8*27 + 8 + 8)*2**n + 1", "canonical"),
]


@pytest.mark.parametrize(("network", "quantity", "formula", "method"), TRUE, ids=lambda each: str(each)[:40])
def test_true_claims_are_proved(network: dict[str, Any], quantity: str, formula: str | int, method: str) -> None:
    found = verdict(network, quantity, formula)

    assert (found.verdict, found.method, found.counterexample) == ("proved", method, None)
    assert found.cases >= 20 or not found.cases > found.measured
    assert found.expected


# Mutations of them: off by one, the wrong rounding, a missing bias, exchanged letters. None may be proved.

FALSE = [
    (CONV, "params", "C*k*k*K"),
    (CONV, "params", "C*k*k*K + 1"),
    (CONV, "params", "(C*k + 1)*K"),
    (CONV, "params", "(K*k*k + 1)*C"),
    (CONV, "output_shape[1]", "floor((H - k)/s)"),
    (CONV, "output_shape[1]", "ceil((H - k)/s) + 1"),
    (CONV, "output_shape[1]", "floor((H - s)/k) + 1"),
    (CONV, "output_shape[1]", "floor((W - k)/s) + 1"),
    (CONV, "output_shape[1]", "floor((H - k + 1)/s) + 1"),
    (CONV, "output_shape[1]", "(H - k)/s + 1"),
    (PADDED, "output_shape[1]", "floor((H + p - d*(k - 1) - 1)/s) + 1"),
    (PADDED, "output_shape[1]", "floor((H + 2*p - d*k)/s) + 1"),
    (PADDED, "output_shape[1]", "floor((H + 2*p - k)/s) + 1"),
    (PADDED, "receptive_field", "d*k"),
    (PADDED, "receptive_field.first[0]", "i*s"),
    (GROUPED, "params", "(C*k*q + 1)*K/g"),
    (GROUPED, "macs", "C*k*q*K*(H - k + 1)*(W - q + 1)"),
    (GROUPED, "macs", "C/g*k*q*K*H*W"),
    (POOLS, "output_shape[1]", "floor((H - 11)/4)"),
    (POOLS, "output_shape[2]", "floor((W - 15)/4)"),
    (POOLS, "receptive_field.size[0]", 14),
    (POOLS, "peak_activations", "4*(H - 4)*(W - 4)"),
    (SAME, "output_shape[1]", "floor(H/s)"),
    (CEILED, "output_shape[1]", "ceil((L - k)/s) + 1"),
    (TRANSPOSED, "output_shape[1]", "s*H + k"),
    (TRANSPOSED, "output_shape[1]", "k*(H - 1) + s"),
    (DENSE, "params", "2*n*m + n + 1"),
    (DEEP, "output_shape[1]", "floor(L/2**n)"),
    (DEEP, "receptive_field", "2**n + 1"),
    (DEEP, "macs", "48*sum(ceil(L/2**j), j, 0, n - 1)"),
    (DEEP, "macs", "48*n*L"),
    (WIDE, "params", "232*3**n + 1"),
    (WIDE, "params", "232*2*n + 1"),
]


@pytest.mark.parametrize(("network", "quantity", "formula"), FALSE, ids=lambda each: str(each)[:40])
def test_false_claims_are_refuted_by_the_smallest_integers(
    network: dict[str, Any], quantity: str, formula: str | int
) -> None:
    found = verdict(network, quantity, formula, expect="refuted")

    assert found.verdict == "refuted"
    assert found.method is None
    assert found.expected
    counterexample = found.counterexample
    assert counterexample.least
    assert counterexample.claimed != counterexample.derived
    assert counterexample.measured in (counterexample.derived, None if "first" in quantity else counterexample.derived)
    assert dict(counterexample.symbols) == first_wrong(network, quantity, str(formula), counterexample.symbols)


def first_wrong(network: dict[str, Any], quantity: str, formula: str, found: dict[str, int]) -> dict[str, int] | None:
    """Return the first wrong assignment by brute force: all with a sum up to that of the counterexample."""
    from convmath.spec.document import Document
    from convmath.spec.expressions import parse_expression
    from convmath.spec.parse import parse
    from convmath.verification.samples import legal

    parsed = parse(Document("", "", {"convmath": 1, **network}))
    report = derive(parsed)
    derived = of_network(parse_quantity(quantity), report)
    least = {each.name: each.minimum for each in parsed.symbols} | ({"i": 0} if "i" in found else {})
    for total in range(sum(found.values()) + 1):
        for values in shared(total, [least[name] for name in found]):
            at = dict(zip(found, values, strict=True))
            if not legal(parsed, report, {name: value for name, value in at.items() if name != "i"}):
                continue
            if parse_expression(formula).evaluate(at.__getitem__) != bind(derived, at):
                return at
    return None


def shared(total: int, least: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield every tuple with this sum and these least values, in lexicographic order."""
    if len(least) == 1:
        yield from [(total,)] if total >= least[0] else []
        return
    for first in range(least[0], total - sum(least[1:]) + 1):
        for rest in shared(total - first, least[1:]):
            yield (first, *rest)


def test_the_lectures_stride() -> None:
    found = verdict(CONV, "output_shape[1]", "ceil((H - k)/s + 1)", where=["k <= H"])

    assert found.verdict == "refuted"
    assert found.counterexample.symbols == {"C": 1, "H": 2, "W": 1, "K": 1, "k": 1, "s": 2}
    assert (found.counterexample.claimed, found.counterexample.derived, found.counterexample.measured) == (2, 1, 1)


def test_conditions_restrict_the_integers() -> None:
    for where in (["(H - k) % s == 0"], "s == 1", ["H == k"], ["s > H"]):
        claimed = "ceil((H - k)/s + 1)" if where != ["s > H"] else "1"
        assert verdict(CONV, "output_shape[1]", claimed, where=where).verdict == "proved"


def test_ranges_of_symbols_restrict_them_too() -> None:
    claim = {**CONV, "symbols": {"s": {"max": 1}}}

    assert verdict(claim, "output_shape[1]", "H - k + 1").verdict == "proved"


def test_a_symbol_that_only_the_claim_has() -> None:
    claim = {**POOLS, "symbols": {"t": {"min": 4}}}

    assert verdict(claim, "output_shape[1]", "t - 3", where="H == 4*t").verdict == "proved"


def test_values_of_let_stand_for_what_they_are() -> None:
    claim = {**CONV, "let": {"out": "(H - k)//s + 1"}}

    assert verdict(claim, "output_shape[1]", "out").verdict == "proved"


def test_a_layer_inside_a_network() -> None:
    claim = {
        "input": [1, "H", "W"],
        "layers": [{"conv": {"name": "first", "out_channels": 2, "kernel_size": 3}}, "flatten", {"dense": 10}],
    }

    assert verdict(claim, 'layers["first"].macs', "18*(H - 2)*(W - 2)").method == "grid"
    assert verdict(claim, 'layers["first"].params', 20).method == "period"


INEQUALITIES = [
    (CONV, "<=", "H", "proved"),
    (CONV, "<", "H", "refuted"),
    (CONV, ">=", "1", "proved"),
    (CONV, ">", "1", "refuted"),
    (TRANSPOSED, ">=", "H", "proved"),
    (SAME, "!=", "0", "proved"),
]


@pytest.mark.parametrize(("network", "relation", "formula", "expected"), INEQUALITIES)
def test_claims_may_be_inequalities(network: dict[str, Any], relation: str, formula: str, expected: str) -> None:
    found = verdict(network, "output_shape[1]", formula, relation=relation, expect="refuted")

    assert found.verdict == expected or (relation == "!=" and found.verdict == "confirmed")


def test_a_claim_without_a_value_is_refuted_where_it_has_none() -> None:
    found = verdict({"input": [1, "H"], "layers": ["relu"]}, "output_shape[1]", "H*(H - 3)/(H - 3)")

    assert found.counterexample.symbols == {"H": 3}
    assert found.counterexample.claimed is None
    assert "claimed no value" in str(cm.check([{"id": "a", **_claim("H*(H - 3)/(H - 3)")}]))


def _claim(formula: str) -> dict[str, Any]:
    return {"input": [1, "H"], "layers": ["relu"], "quantity": "output_shape[1]", "formula": formula}


def test_a_counterexample_that_no_search_reaches_is_found_by_the_period() -> None:
    found = verdict({"input": [1, "H"], "layers": ["relu"]}, "output_shape[1]", "H + H//40000")

    assert found.verdict == "refuted"
    assert found.counterexample.symbols == {"H": 40000}


HARD = "floor((H - k)/s) + 1 + max(0, H % s - s + 1)"
"""Remainders are below the divisor: true, and no canonical form shows it."""


def test_what_no_method_decides_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "find_spec", lambda name: None)

    trial = cm.check([{**CONV, "quantity": "output_shape[1]", "formula": HARD}])

    [found] = trial
    assert (found.verdict, found.method) == ("confirmed", None)
    assert found.cases >= 500
    assert found.measured == 12
    assert "z3 is not installed" in str(trial)


@pytest.mark.solver
def test_z3_decides_it() -> None:
    assert verdict(CONV, "output_shape[1]", HARD).method == "z3"


def test_a_claim_about_no_integers_is_a_fault() -> None:
    with pytest.raises(cm.SpecError, match="no integers were found"):
        verdict(CONV, "output_shape[1]", "H", where=["H < k"])


def test_a_rule_that_is_wrong_is_caught_by_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    from convmath.verification import claims

    def wrong(*args: Any) -> int | None:
        found = real(*args)
        return None if found is None else found + 1

    real = claims.measure
    monkeypatch.setattr(claims, "measure", wrong)

    found = verdict(CONV, "params", "(C*k*k + 1)*K")

    assert found.verdict == "refuted"
    assert found.counterexample.measured == found.counterexample.derived + 1


@pytest.mark.parametrize(
    ("expect", "formula", "allowed"),
    [
        ("proved", "H", True),
        ("confirmed", "H", True),
        ("refuted", "H", False),
        ("refuted", "H + 1", True),
        ("proved", "H + 1", False),
        ("not refuted", "H + 1", False),
    ],
)
def test_what_a_file_expects(expect: str, formula: str, allowed: bool) -> None:  # noqa: FBT001
    trial = cm.check([{**_claim(formula), "expect": expect}])

    assert trial.expected is allowed
    if not allowed:
        with pytest.raises(cm.CheckFailed):
            trial.raise_if_unexpected()


# The lectures.


@pytest.fixture(scope="module")
def lectures() -> Any:
    return cm.check(LECTURES)


def test_the_lectures_claims_are_proved_or_refuted(lectures: Any) -> None:
    assert lectures.expected
    assert [each.id for each in lectures if each.verdict == "refuted"] == ["L01", "L07 height", "L07 width", "L22"]
    assert all(each.verdict == "proved" for each in lectures if each.counterexample is None)
    assert all(each.counterexample.measured == each.counterexample.derived for each in lectures if each.counterexample)


def test_every_row_with_a_formula_is_on_trial(lectures: Any) -> None:
    rows = {each.id[:3] for each in lectures}

    assert {f"L{row:02}" for row in (*range(3, 12), *range(13, 26))} <= rows | {"L12"}


# Files: all faults at once, each at its place.

FAULTY = """
convmath-claims: 1
claims:
  - id: A
    input: [1, H, W]
    layers: [conv: {out_channels: 1, kernal_size: k}]
    quantity: params
    formula: k*k + 1
  - id: B
    input: [1, H]
    layers: [relu]
    quantity: output_shape[1]
    formula: H + stride
  - id: B
    input: [1, H]
    layers: [relu]
    quantity: output_shape[1]
    formula: H +
    expct: refuted
  - id: C
    input: [1, H]
    layers: [relu]
    quantity: output_shape[
    formula: H
    where: [H]
    expect: maybe
"""


def faults(text: str) -> Iterator[tuple[str, int | None]]:
    with pytest.raises(cm.SpecError) as caught:
        check_bytes(text.encode(), "claims.yaml")
    yield from ((each.code, each.spot.line if each.spot else None) for each in caught.value.problems)


def test_all_faults_are_told_at_their_places() -> None:
    assert list(faults(FAULTY)) == [
        ("unknown-field", 6),
        ("unknown-name", 13),
        ("unknown-key", 19),
        ("bad-expression", 18),
        ("unknown-word", 26),
        ("bad-quantity", 23),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("claims: []", "no-version"),
        ("convmath-claims: 2\nclaims: [{}]", "bad-version"),
        ("convmath-claims: 1", "missing-key"),
        ("convmath-claims: 1\nclaims: {}", "not-claims"),
        ("convmath-claims: 1\nclaims: [3]", "not-a-claim"),
        ("- 1", "not-claims"),
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]", "unknown-key"),
    ],
)
def test_files_that_hold_no_claims(text: str, code: str) -> None:
    assert code in [found for found, _ in faults(text)]


GOOD = "convmath-claims: 1\nclaims:\n  - {input: [1, H], layers: [relu], quantity: "


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("nonsense, formula: H}", "bad-quantity"),
        ("output_shape, formula: H}", "bad-quantity"),
        ("'output_shape[7]', formula: H}", "bad-quantity"),
        ("params, formula: 1.5}", "not-a-number"),
        ("params, formula: H/0}", "division-by-zero"),
        ("params, formula: 9**9**9}", "expr-too-large"),
        ("params, formula: getattr(H)}", "unknown-function"),
        ("params, formula: 0, where: [H + 1]}", "not-a-condition"),
        ("params, formula: 0, where: [H < 1_000]}", "bad-number"),
        ("params, formula: 0, where: 3}", "not-a-condition"),
        ('params, formula: 0, id: "\\e[31m"}', "bad-name"),
        (
            "params, formula: 0, id: a}\n  - {id: a, input: [1], layers: [relu], quantity: params, formula: 0}",
            "name-taken",
        ),
        ("params, formula: 0, relation: '<>'}", "unknown-word"),
    ],
)
def test_faults_of_a_claim(rest: str, code: str) -> None:
    assert code in [found for found, _ in faults(GOOD + rest)]


def test_claims_in_three_formats_say_the_same() -> None:
    toml = (
        'convmath-claims = 1\n[[claims]]\nid = "A"\ninput = [1, "H"]\nlayers = [{max_pool = 2}]\n'
        'quantity = "output_shape[1]"\nformula = "H//2"\n'
    )
    data = {"id": "A", "input": [1, "H"], "layers": [{"max_pool": 2}], "quantity": "output_shape[1]", "formula": "H//2"}
    yaml = GOOD.replace("relu", "max_pool: 2").replace("{input", "{id: A, input") + "'output_shape[1]', formula: H//2}"

    found = [
        check_bytes(text.encode(), "claims").to_json()
        for text in (toml, json.dumps({"convmath-claims": 1, "claims": [data]}), yaml)
    ]

    assert found[0] == found[1] == found[2]
    assert json.loads(found[0])["claims"][0]["method"] == "period"


def test_layers_of_all_claims_together_are_limited() -> None:
    claim = {**_claim("H"), "layers": ["relu"] * 40}

    with pytest.raises(cm.LimitError, match="more than 100 layers in all claims"):
        cm.check([claim, claim | {"id": "b"}, claim | {"id": "c"}], limits=cm.Limits(layers=100))


# The command.

FILE = """
convmath-claims: 1
claims:
  - id: right
    input: [M, H, W]
    layers: [conv: {out_channels: K, kernel_size: [p, q]}]
    quantity: params
    formula: (M*p*q + 1)*K
  - id: "wrong|<b>"
    source: a blackboard
    input: [1, H]
    layers: [max_pool: 2]
    quantity: output_shape[1]
    formula: ceil(H/2)
"""


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("claims.yaml").write_text(FILE, encoding="utf-8")

    status = run(["check", "claims.yaml"])
    out, err = capsys.readouterr()

    lines = out.splitlines()
    assert status == 1
    assert "not as expected: wrong|<b> is refuted" in err
    assert lines[0] == ("claims.yaml: 2 claims, 1 proved, 1 refuted")
    assert "right     parameters    (M*p*q + 1)*K ✓ proved (grid)" in lines
    assert "wrong|<b>, a blackboard: output length of max_pool" in lines
    assert "  smallest   H = 3: claimed 2, derived 1, measured 1" in lines
    assert max(map(len, lines[1:])) <= 80


def test_the_command_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(FILE.replace("formula: ceil(H/2)", "formula: ceil(H/2)\n    expect: refuted"), encoding="utf-8")

    status = run(["check", str(path), "--format", "json"])
    data = json.loads(capsys.readouterr().out)

    right, wrong = data["claims"]
    assert status == 0
    assert data["schema"] == 1
    assert (right["verdict"], right["method"], right["counterexample"]) == ("proved", "grid", None)
    assert (wrong["verdict"], wrong["method"], wrong["expected"]) == ("refuted", None, True)
    assert wrong["counterexample"] == {"symbols": {"H": 3}, "claimed": 2, "derived": 1, "measured": 1, "least": True}


def test_the_command_in_ascii(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(FILE, encoding="utf-8")

    run(["check", str(path), "--ascii"])

    assert capsys.readouterr().out.isascii()


@pytest.mark.parametrize(("arguments", "status"), [(["nowhere.yaml"], 2), ([], 2), (["--format", "xml", "a.yaml"], 2)])
def test_wrong_usage(arguments: list[str], status: int) -> None:
    assert run(["check", *arguments]) == status


def test_an_invalid_file_has_a_status_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(FAULTY, encoding="utf-8")

    assert run(["check", str(path)]) == 3


def test_the_page_of_the_lectures_states_the_verdicts_that_are_found(lectures: Any) -> None:
    page = (EXAMPLES.parent / "lectures.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| L")]
    stated = {row[0]: row[-1].strip("* ") for row in rows if len(row) == 5}

    assert stated == {
        each.id: each.verdict if each.method is None else f"{each.verdict} ({each.method})" for each in lectures
    }


def test_the_page_of_the_lectures_has_every_row() -> None:
    page = (EXAMPLES.parent / "lectures.md").read_text(encoding="utf-8")

    assert all(f"| L{row:02} | " in page for row in range(1, 29))
