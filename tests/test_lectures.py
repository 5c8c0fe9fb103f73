"""The rows of the source lectures: small files in docs/examples, derived, measured, held against the lecture."""

# ruff: noqa: N803, N806  -- names are the letters of the lectures

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, pairwise, product
from math import ceil, isclose
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

import convmath as cm
from convmath.formula import bind
from convmath.numeric.measure import measure_costs, measure_fields, measure_reads
from convmath.quantity import of_network, parse_quantity
from convmath.symbolic.compose import derive
from convmath.verification.samples import legal

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
FILES = sorted(file for file in EXAMPLES.glob("*.yaml") if not file.stem.endswith(".claims"))
ROWS = {f"L{number:02}" for number in range(1, 29)}


def example(name: str, **settings: int | str) -> Any:
    return cm.load(EXAMPLES / f"{name}.yaml", settings)


def row_of(file: Path) -> str:
    return yaml.safe_load(file.read_text(encoding="utf-8"))["about"]["row"]


# Every row has its files, and each file is confirmed.


def test_every_row_has_a_file_and_every_file_a_row() -> None:
    assert {row_of(file) for file in FILES} == ROWS


def test_files_are_called_by_their_row() -> None:
    assert [file.stem for file in FILES if file.stem.partition("-")[0] != row_of(file)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_analyzed_and_confirmed(file: Path) -> None:
    network = cm.load(file)
    report = cm.analyze(network)

    outcome = cm.verify(network, 6)

    outcome.raise_if_refuted()
    assert len(report.layers) == len(network.nodes)
    assert all(check.cases for check in outcome.checks)
    assert {"params", "macs", "peak_activations"} <= {check.quantity for check in outcome.checks if check.layer is None}


# What the lectures state, at many integers: the derived formula, a measurement, and the lecture's own formula.

Values = Mapping[str, int]


class Statement(NamedTuple):
    """What a lecture says about a quantity of a network, and the integers to try."""

    file: str
    quantity: str
    says: Callable[..., int]
    tried: Mapping[str, range]
    least: int
    """How many of these integers must at least be admissible, so that no test is empty."""


class Case(NamedTuple):
    """What a lecture, a rule and the executor say at the same integers."""

    values: Values
    said: int
    derived: int
    measured: int


def measured(network: Any, quantity: str) -> int:
    """Return what the executor is seen to do; nothing here is computed from formulas."""
    name, _, axis = quantity.partition("[")
    at = int(axis.rstrip("]") or 0)
    if name == "output_shape":
        return measure_costs(network).layers[-1].output_shape[at]
    if name == "receptive_field.size":
        field = measure_fields(network, at)[-1]
        return int((field.last - field.first + 1)[field.clean].max())
    return measure_costs(network).total(quantity)


def cases(file: str, quantity: str, says: Callable[..., int], tried: Mapping[str, range]) -> Iterator[Case]:
    """Yield every admissible assignment; what the formulas exclude must be what the executor refuses."""
    network = example(file)
    report = derive(network)
    general = of_network(parse_quantity(quantity), report)
    assert set(tried) == {each.name for each in network.symbols}
    for drawn in product(*tried.values()):
        values = dict(zip(tried, drawn, strict=True))
        if legal(network, report, values):
            yield Case(values, says(**values), bind(general, values), measured(network.bind(values), quantity))
        else:
            with pytest.raises(cm.SpecError):
                measure_costs(network.bind(values))


def disagreements(statement: Statement) -> list[Case]:
    found = list(cases(*statement[:4]))
    assert len(found) >= statement.least
    return [case for case in found if not case.said == case.derived == case.measured]


def r(first: int, last: int) -> range:
    return range(first, last + 1)


ONE = r(1, 1)
WINDOW = {"h": r(1, 4), "w": r(1, 2)}
PICTURE = {"H": r(1, 7), "W": r(2, 5), **WINDOW}
SMALL = {"H": r(4, 5), "W": r(4, 4)}
COLOUR = {"C": r(1, 4), **SMALL, **WINDOW}
POOLED = {"C": r(1, 2), **PICTURE}
GENERAL = {"H": r(1, 7), "W": ONE, "h": r(1, 4), "w": ONE, "s": r(1, 4), "p": r(0, 2), "d": r(1, 3)}
DILATED = {"H": r(1, 13), "W": r(13, 13), "k": r(1, 4), "d": r(1, 4)}
CHANNELS = {"M": r(1, 4), **SMALL, "K": r(1, 4), "p": r(1, 3), "q": r(1, 3)}
DEPTHWISE = {"M": r(1, 9), **SMALL, "p": r(1, 3), "q": r(1, 3)}
PATTERNS = {"C": r(1, 5), "H": r(5, 7), "W": r(7, 7), "T": r(1, 5), "d": r(0, 3)}
LOCAL = {"m": r(1, 9), "k": r(1, 9)}
SHARED = {"n": r(1, 8), "k": r(1, 8)}
TRANSPOSED = {"M": r(1, 2), "H": r(1, 5), "W": r(2, 2), "K": r(1, 2), "k": r(1, 4), "s": r(1, 4)}
DEFORMED = {"M": r(1, 3), "H": r(3, 4), "W": r(3, 3), "K": r(1, 3), "p": r(1, 3), "q": r(1, 3), "max_offset": r(1, 2)}
GROUPED = {"m": r(1, 3), "g": r(1, 4), "H": r(3, 3), "W": r(3, 3), "k": r(1, 3), "p": r(1, 3), "q": r(1, 2)}


def windows(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count windows one by one: the definition, without a formula."""
    padded = size + 2 * padding
    return sum(start + dilation * (kernel - 1) < padded for start in range(0, padded, stride))


def general_size(H: int, h: int, s: int, p: int, d: int, **_: int) -> int:
    return windows(H, h, s, p, d)


def grouped_macs(H: int, W: int, m: int, g: int, k: int, p: int, q: int) -> int:
    return (H - p + 1) * (W - q + 1) * p * q * (m * g) * (k * g) // g


def zeros_put_between(H: int, k: int, s: int, **_: int) -> int:
    """Count the places of a kernel on H elements with s - 1 zeros between them and k - 1 around."""
    line = [0] * (k - 1) + [1, *([0] * (s - 1) + [1]) * (H - 1)] + [0] * (k - 1)
    return sum(start + k <= len(line) for start in range(len(line)))


S = Statement
STATEMENTS = {
    "L01 height": S("L01", "output_shape[1]", lambda H, h, **_: H - h + 1, PICTURE, 100),
    "L01 width": S("L01", "output_shape[2]", lambda W, w, **_: W - w + 1, PICTURE, 100),
    "L01 rows that are seen": S("L01", "receptive_field.size[0]", lambda h, **_: h, PICTURE, 100),
    "L01 columns that are seen": S("L01", "receptive_field.size[1]", lambda w, **_: w, PICTURE, 100),
    "L02 the general size": S("L02", "output_shape[1]", general_size, GENERAL, 400),
    "L03 one map": S("L03", "output_shape[0]", lambda **_: 1, COLOUR, 30),
    "L03 a kernel per channel": S("L03", "params", lambda C, h, w, **_: C * h * w, COLOUR, 30),
    "L04 a map per channel": S("L04", "output_shape[0]", lambda C, **_: C, COLOUR, 30),
    "L04 one kernel": S("L04", "params", lambda h, w, **_: h * w, COLOUR, 30),
    "L05 the inputs of a frame": S("L05", "macs", lambda N: 2_764_800 * N, {"N": r(1, 5)}, 5),
    "L06 max pooling": S("L06-max", "output_shape[1]", lambda H, h, **_: H // h, POOLED, 200),
    "L06 average pooling": S("L06-avg", "output_shape[1]", lambda H, h, **_: H // h, POOLED, 200),
    "L06 pooling learns nothing": S("L06-max", "params", lambda **_: 0, POOLED, 200),
    "L08 VALID, height": S("L08-valid", "output_shape[1]", lambda H, h, **_: H - h + 1, PICTURE, 100),
    "L08 VALID, width": S("L08-valid", "output_shape[2]", lambda W, w, **_: W - w + 1, PICTURE, 100),
    "L08 SAME with zeros": S("L08-same", "output_shape[1]", lambda H, **_: H, PICTURE, 200),
    "L08 SAME with a mirror": S("L08-mirror", "output_shape[1]", lambda H, **_: H, PICTURE, 100),
    "L09 the span": S("L09", "receptive_field.size[0]", lambda k, d, **_: d * (k - 1) + 1, DILATED, 100),
    "L09 no more weights": S("L09", "params", lambda k, **_: k * k + 1, DILATED, 100),
    "L10 parameters": S("L10", "params", lambda M, K, p, q, **_: (M * p * q + 1) * K, CHANNELS, 200),
    "L11 parameters": S("L11", "params", lambda C, T, d, **_: ((2 * d + 1) ** 2 * C + 1) * T, PATTERNS, 200),
    "L12 composition": S(
        "L12", "params", lambda n, N, m: (n + 1) * N + (N + 1) * m, dict.fromkeys("nNm", r(1, 6)), 216
    ),
    "L13 parameters": S("L13", "params", lambda n, m: (n + 1) * m, dict.fromkeys("nm", r(1, 17)), 289),
    "L14 parameters": S("L14", "params", lambda n, m: (n**2 + 1) * m**2, dict.fromkeys("nm", r(1, 10)), 100),
    "L15 parameters": S("L15", "params", lambda k, m: (k + 1) * m, LOCAL, 81),
    "L15 the size is m": S("L15", "output_shape[1]", lambda m, **_: m, LOCAL, 81),
    "L16 parameters": S("L16", "params", lambda k, m: (k**2 + 1) * m**2, LOCAL, 81),
    "L16 the size is m": S("L16", "output_shape[2]", lambda m, **_: m, LOCAL, 81),
    "L17 full sharing": S("L17-full", "params", lambda k, **_: k**2 + 1, SHARED, 30),
    "L17 partial sharing": S("L17-partial", "params", lambda n, k: (k**2 + 1) * (n - k + 1) ** 2, SHARED, 30),
    "L17 no sharing": S("L17-none", "params", lambda n, k: (n**2 + 1) * (n - k + 1) ** 2, SHARED, 30),
    "L18 5 rows": S("L18", "receptive_field.size[0]", lambda **_: 5, {"H": r(3, 12), "W": r(5, 6)}, 16),
    "L18 5 columns": S("L18", "receptive_field.size[1]", lambda **_: 5, {"H": r(5, 6), "W": r(3, 12)}, 16),
    "L19 parameters": S("L19", "params", lambda m, g, k, p, q, **_: (m * p * q + 1) * k * g, GROUPED, 200),
    "L19 MACs fall by g": S("L19", "macs", grouped_macs, GROUPED, 200),
    "L20 parameters": S("L20", "params", lambda M, p, q, **_: (p * q + 1) * M, DEPTHWISE, 60),
    "L21 one bias": S("L21-one-bias", "params", lambda M, K, p, q, **_: M * p * q + (M + 1) * K, CHANNELS, 200),
    "L21 two biases": S(
        "L21-two-biases", "params", lambda M, K, p, q, **_: M * (p * q + 1) + (M + 1) * K, CHANNELS, 200
    ),
    "L21 from M to K": S("L21-one-bias", "output_shape[0]", lambda K, **_: K, CHANNELS, 200),
    "L22 the size": S("L22", "output_shape[1]", zeros_put_between, TRANSPOSED, 300),
    "L22 parameters": S("L22", "params", lambda M, K, k, **_: (M * k * k + 1) * K, TRANSPOSED, 300),
    "L22 no product with a zero": S("L22", "macs", lambda M, H, W, K, k, **_: M * H * W * K * k * k, TRANSPOSED, 300),
    "L23 learned offsets": S(
        "L23-learned", "params", lambda M, K, p, q, **_: (M * p * q + 1) * K + 2 * p * q, DEFORMED, 300
    ),
    "L23 predicted offsets": S(
        "L23-predicted",
        "params",
        lambda M, K, p, q, **_: (M * p * q + 1) * K + (M * p * q + 1) * 2 * p * q,
        DEFORMED,
        300,
    ),
    "L24 parameters": S("L24", "params", lambda N: 10 * N, {"N": r(1, 200)}, 200),
    "L25 parameters": S("L25", "params", lambda N: 5 * N + 4, {"N": r(1, 200)}, 200),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_a_lecture_states_is_derived_and_measured(name: str) -> None:
    assert disagreements(STATEMENTS[name]) == []


def test_every_row_with_a_countable_statement_is_held_against_it() -> None:
    # L07 is wrong for some integers, and L26 has settings of its own: both below.
    # L27 and L28 count nothing; their pictures and numbers are in test_pictures.py and test_windows.py.
    elsewhere = {"L07", "L26", "L27", "L28"}

    assert {name[:3] for name in STATEMENTS} | elsewhere == ROWS


WRONG = {
    "L10": lambda M, K, p, q, **_: M * p * q * K,
    "L11": lambda C, T, d, **_: ((2 * d) ** 2 * C + 1) * T,
    "L13": lambda n, m: n * m + 1,
    "L16": lambda k, m: (k**2 + 1) * m,
    "L19": lambda m, g, k, p, q, **_: (m * g * p * q + 1) * k * g,
    "L25": lambda N: 5 * N + 5,
}


@pytest.mark.parametrize("row", WRONG)
def test_a_wrong_statement_would_be_noticed(row: str) -> None:
    statement = STATEMENTS[f"{row} parameters"]

    found = disagreements(statement._replace(says=WRONG[row]))

    assert found
    assert all(case.derived == case.measured != case.said for case in found)


# L07: the lecture rounds up, and windows that hang over the end do not exist.

STRIDES = {"H": r(1, 14), "W": r(14, 14), "h": r(1, 5), "w": ONE, "s": r(1, 5)}


def lecture_size(H: int, h: int, s: int, **_: int) -> int:
    return ceil((H - h) / s + 1)


@pytest.fixture(scope="module")
def strided() -> list[Case]:
    return list(cases("L07", "output_shape[1]", lecture_size, STRIDES))


def test_l07_rounds_down(strided: list[Case]) -> None:
    assert len(strided) == 300
    for values, _, derived, seen in strided:
        assert derived == seen == (values["H"] - values["h"]) // values["s"] + 1


def test_l07_the_lectures_ceiling_holds_only_where_the_stride_divides(strided: list[Case]) -> None:
    wrong = [case for case in strided if case.said != case.measured]

    assert wrong == [case for case in strided if (case.values["H"] - case.values["h"]) % case.values["s"]]
    assert {case.said - case.measured for case in wrong} == {1}
    assert len(wrong) == 156
    least = min(wrong, key=lambda case: sum(case.values.values()))
    assert least == ({"H": 2, "W": 14, "h": 1, "w": 1, "s": 2}, 2, 1, 1)


def test_l07_the_lectures_ceiling_promises_outputs_of_windows_larger_than_the_picture() -> None:
    tried = [(H, h, s) for H, h, s in product(r(1, 5), r(1, 8), r(1, 5)) if h > H]

    promised = [(H, h, s) for H, h, s in tried if lecture_size(H, h, s) >= 1]

    assert promised == [(H, h, s) for H, h, s in tried if h - H < s]
    assert len(promised) == 49
    for H, h, s in promised:
        with pytest.raises(cm.SpecError, match="does not fit"):
            cm.analyze(example("L07"), H=H, W=9, h=h, w=1, s=s)


# The worked numbers.

IMAGE_A = [[0, 50, 0, 29], [0, 80, 31, 2], [33, 90, 0, 75], [0, 9, 0, 95]]
IMAGE_B = [
    [3, 3, 5, 1, 2, 3],
    [3, 4, 0, 1, 4, 5],
    [5, 1, 2, 3, 2, 0],
    [5, 0, 4, 5, 2, 1],
    [3, 4, 3, 1, 0, 2],
    [2, 0, 4, 3, 5, 1],
]
IMAGE_C = [[4, 4, 3, 2], [2, 3, 4, 4], [1, 1, 3, 2], [1, 2, 2, 2]]
KERNEL_A = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
KERNEL_B = [[0, 1, 0], [-1, 2, -1], [0, 1, 0]]
HORIZONTAL = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
VERTICAL = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]


def slid(image: list[list[int]], kernel: list[list[int]], stride: int = 1) -> Any:
    """Run one kernel over one picture, with L07's file without its bias."""
    sizes = {"H": len(image), "W": len(image[0]), "h": len(kernel), "w": len(kernel[0]), "s": stride}
    given = {"conv1": {"weight": [[kernel]], "bias": [0]}}
    return exact(cm.run(example("L07", **sizes), [image], given))[0]


def exact(output: Any) -> Any:
    """Return nested lists of Python integers, or of floats where a mean is no integer."""
    return output.tolist()


def test_l01_the_first_window_as_nine_products() -> None:
    network = example("L01", H=3, W=3, h=3, w=3)
    window = [row[:3] for row in IMAGE_A[:3]]

    output = cm.run(network, [window], {"conv1": {"weight": [[KERNEL_A]]}})

    assert output.dtype == np.int64
    assert output.tolist() == [[[29]]]


def test_l01_image_a() -> None:
    network = example("L01", H=4, W=4, h=3, w=3)

    output = cm.run(network, [IMAGE_A], {"conv1": {"weight": [[KERNEL_A]]}})

    assert output.dtype == np.int64
    assert output.tolist() == [[[29, -192], [-35, -22]]]


def test_l01_is_no_convolution_in_the_strict_sense() -> None:
    mirrored = [row[::-1] for row in KERNEL_A[::-1]]

    assert slid(IMAGE_A, mirrored) == [[-29, 192], [35, 22]]  # this kernel changes its sign when it is turned round


def test_l01_the_output_is_smaller_unless_the_kernel_is_a_single_element() -> None:
    height = of_network(parse_quantity("output_shape[1]"), derive(example("L01")))

    for H, h in product(r(1, 9), r(1, 9)):
        if h <= H:
            assert (bind(height, {"H": H, "h": h}) < H) == (h > 1)


def test_image_b() -> None:
    assert slid(IMAGE_B, KERNEL_B) == [[9, 2, 2, 6], [-1, 4, 8, 7], [-4, 8, 8, 0], [2, 9, 7, 4]]


def test_image_b_with_a_larger_stride_was_computed_with_stride_two() -> None:
    shown = [[9, 2], [-4, 8]]

    assert [stride for stride in r(1, 6) if slid(IMAGE_B, KERNEL_B, stride) == shown] == [2]
    # The formula of L07 would make the deck's own picture 3 × 3.
    assert lecture_size(H=6, h=3, s=2) == 3


def test_image_c() -> None:
    assert slid(IMAGE_C, KERNEL_B) == [[5, 7], [3, 9]]


def test_l28_sobel_kernels_answer_to_their_edge_only() -> None:
    # A bright square in the lower right: a vertical edge in rows 3 to 5, a horizontal one in columns 3 to 5.
    picture = [[10 if row >= 3 and column >= 3 else 0 for column in range(6)] for row in range(6)]

    # A window meets the vertical edge in columns 1 and 2, the more the lower it lies: 1, 1 + 2, 1 + 2 + 1 of its rows.
    assert slid(picture, VERTICAL) == [[0, 0, 0, 0], [0, -10, -10, 0], [0, -30, -30, 0], [0, -40, -40, 0]]
    assert slid(picture, HORIZONTAL) == [[0, 0, 0, 0], [0, -10, -30, -40], [0, -10, -30, -40], [0, 0, 0, 0]]


def test_l28_on_straight_edges_and_flat_pictures() -> None:
    upright = [[0, 0, 7, 7]] * 4
    lying = [list(column) for column in zip(*upright, strict=True)]

    assert slid(upright, VERTICAL) == [[-28, -28], [-28, -28]]
    assert slid(upright, HORIZONTAL) == [[0, 0], [0, 0]]
    assert slid(lying, VERTICAL) == [[0, 0], [0, 0]]
    assert slid(lying, HORIZONTAL) == [[-28, -28], [-28, -28]]


CORNER_B = [row[:4] for row in IMAGE_B[:4]]
OTHER_CORNER_B = [row[2:] for row in IMAGE_B[2:]]


def test_l03_one_map_is_the_sum_over_the_channels() -> None:
    network = example("L03", C=3, H=4, W=4, h=3, w=3)
    given = {"conv1": {"weight": [[KERNEL_A, KERNEL_B, KERNEL_B]]}}

    output = exact(cm.run(network, [IMAGE_A, CORNER_B, IMAGE_C], given))

    assert output == [[[29 + 9 + 5, -192 + 2 + 7], [-35 - 1 + 3, -22 + 4 + 9]]] == [[[43, -183], [-33, -9]]]


def test_l04_each_channel_gives_a_map_by_the_same_kernel() -> None:
    network = example("L04", C=3, H=4, W=4, h=3, w=3)
    given = {"depthwise_conv1": {"weight": [[KERNEL_B]]}}

    output = exact(cm.run(network, [IMAGE_C, CORNER_B, OTHER_CORNER_B], given))

    assert output == [[[5, 7], [3, 9]], [[9, 2], [-1, 4]], [[8, 0], [7, 4]]]


def test_l06_pooling_of_image_c() -> None:
    sizes = {"C": 1, "H": 4, "W": 4, "h": 2, "w": 2}

    assert exact(cm.run(example("L06-max", **sizes), [IMAGE_C])) == [[[4, 4], [2, 3]]]
    assert exact(cm.run(example("L06-avg", **sizes), [IMAGE_C])) == [[[3.25, 3.25], [1.25, 2.25]]]


def test_l08_zeros_and_a_mirror_differ_at_the_border_only() -> None:
    picture, given = [[[1, 2, 3]]], {"conv1": {"weight": [[[[1, 1, 1]]]], "bias": [0]}}
    sizes = {"H": 1, "W": 3, "h": 1, "w": 3}

    assert exact(cm.run(example("L08-valid", **sizes), picture, given)) == [[[6]]]
    assert exact(cm.run(example("L08-same", **sizes), picture, given)) == [[[0 + 1 + 2, 6, 2 + 3 + 0]]]
    assert exact(cm.run(example("L08-mirror", **sizes), picture, given)) == [[[2 + 1 + 2, 6, 2 + 3 + 2]]]


# What the lectures say about how layers behave.


def test_l05_a_frame_has_2764800_inputs() -> None:
    report = cm.analyze(example("L05"))
    seen = measure_costs(example("L05", N=3)).layers

    assert report["vector"].output_shape == (2_764_800,) == seen[0].output_shape
    assert cm.analyze(example("L05"), N=3)["neurons"].params == 3 * 2_764_801 == seen[1].params


@pytest.mark.parametrize("file", ["L06-max", "L06-avg"])
def test_l06_windows_do_not_overlap(file: str) -> None:
    for size, kernel in product(r(1, 9), r(1, 4)):
        if kernel > size:
            continue
        bound = example(file, C=1, H=size, W=size, h=kernel, w=kernel)

        masks = measure_reads(bound, 0)[-1].masks

        assert all(a & b == 0 for a, b in combinations(masks, 2))
        assert {mask.bit_count() for mask in masks} == {kernel}


def test_l09_dilation_is_a_kernel_with_zeros_between_its_elements() -> None:
    for kernel, dilation in product(r(1, 4), r(1, 4)):
        extent = dilation * (kernel - 1) + 1
        weights = np.arange(1, kernel**2 + 1).reshape(kernel, kernel)
        spread = np.zeros((extent, extent), dtype=np.int64)
        spread[::dilation, ::dilation] = weights
        picture = np.arange(15 * 15).reshape(15, 15) ** 2 % 97
        bound = example("L09", H=15, W=15, k=kernel, d=dilation)

        output = cm.run(bound, [picture], {"conv1": {"weight": [[weights]], "bias": [0]}})

        assert exact(output)[0] == slid(picture.tolist(), spread.tolist())
        assert measure_reads(bound, 0)[-1].masks[0] == sum(1 << dilation * tap for tap in range(kernel))


def test_l10_the_formula_of_the_lecture_value_by_value() -> None:
    M, K, H, W, p, q = 2, 3, 4, 5, 2, 3
    X = np.arange(M * H * W).reshape(M, H, W) % 7 - 3
    F = np.arange(M * K * p * q).reshape(M, K, p, q) % 5 - 2
    b = np.array([10, 20, 30])

    output = cm.run(example("L10", M=M, K=K, H=H, W=W, p=p, q=q), X, {"conv1": {"weight": F.swapaxes(0, 1), "bias": b}})

    for k, i, j in product(range(K), range(H - p + 1), range(W - q + 1)):
        terms = (X[m, i + u, j + v] * F[m, k, u, v] for m, u, v in product(range(M), range(p), range(q)))
        assert output[k, i, j] == sum(terms) + b[k]


def test_l11_a_bias_inside_the_sum_would_count_once_per_tap() -> None:
    bound = example("L11", C=2, H=5, W=5, T=1, d=1)
    given = {"conv1": {"weight": np.zeros((1, 2, 3, 3), dtype=np.int64), "bias": [7]}}

    output = cm.run(bound, np.ones((2, 5, 5), dtype=np.int64), given)

    inside = (2 * 1 + 1) ** 2 * 2 * 7  # as the lecture's formula is written
    assert set(output.flat) == {7}
    assert inside == 126


def test_l12_a_network_is_the_composition_of_its_layers() -> None:
    given = {"hidden": {"weight": [[1, -2], [3, 0]], "bias": [0, -6]}, "output": {"weight": [[2, 2]], "bias": [-2]}}

    output = cm.run(example("L12", n=2, N=2, m=1), [2, 1], given)

    # Both hidden sums are 0, so both hidden outputs 1/2, and the last sum is 0 again.
    assert isclose(float(output[0]), 0.5)


def test_l16_the_count_holds_with_padding_and_stride_too() -> None:
    for n, k, s, p in product(r(1, 6), r(1, 3), r(1, 3), r(0, 2)):
        if n + 2 * p < k:
            continue
        local = cm.LocallyConnected(1, k, stride=s, padding=p)
        report = cm.analyze(cm.stack(local, input=(1, n, n)))
        m = windows(n, k, s, p)

        seen = measure_costs(cm.stack(local, input=(1, n, n))).layers[0]

        assert report.totals.params == seen.params == (k**2 + 1) * m**2
        assert seen.output_shape == (1, m, m)


def test_l17_sharing_is_a_scale() -> None:
    full, partial, none = (derive(example(f"L17-{each}")).totals.params for each in ("full", "partial", "none"))

    for n, k in product(r(1, 9), r(1, 9)):
        if k <= n:
            counts = [bind(each, {"n": n, "k": k}) for each in (full, partial, none)]
            assert counts == sorted(counts)
            assert (counts[0] == counts[1]) == (n == k)  # a single position shares with nobody
            assert (counts[1] == counts[2]) == (n == k)


def shifted_alike(name: str) -> bool:
    """Tell whether moving the picture by one moves the output by one, wherever both see the same pixels."""
    picture = np.random.default_rng(0).integers(-9, 10, (1, 7, 8))
    bound = example(name, n=7, k=3)
    positions = 5 * 5
    before = cm.run(bound, picture[:, :, :7]).reshape(-1)
    after = cm.run(bound, picture[:, :, 1:]).reshape(-1)
    assert before.size == after.size == positions
    return np.allclose(before.reshape(5, 5)[:, 1:], after.reshape(5, 5)[:, :-1])


def test_l17_only_a_convolution_is_equivariant() -> None:
    assert [name for name in ("full", "partial", "none") if shifted_alike(f"L17-{name}")] == ["full"]


def test_l18_fields_grow_with_depth() -> None:
    seen = []
    for depth in r(1, 8):
        network = example("L18-depth", depth=depth)
        bound = network.bind({"H": 20, "W": 20, "k": 3})
        size = of_network(parse_quantity("receptive_field.size[0]"), derive(network))
        assert bind(size, {"k": 3}) == measured(bound, "receptive_field.size[0]") == 2 * depth + 1
        seen.append(2 * depth + 1)
    assert all(shallow < deep for shallow, deep in pairwise(seen))


def test_l19_one_group_is_a_regular_convolution_and_more_groups_have_fewer_parameters() -> None:
    grouped = derive(example("L19")).totals
    regular = derive(example("L10")).totals
    size = {"H": 5, "W": 5}

    for m, k, g, p, q in product(r(1, 3), r(1, 3), r(1, 4), r(1, 3), r(1, 3)):
        values = {**size, "p": p, "q": q}
        groups = {**values, "m": m, "k": k, "g": g}
        whole = {**values, "M": m * g, "K": k * g}
        counts = bind(grouped.params, groups), bind(regular.params, whole)
        assert counts[0] == counts[1] if g == 1 else counts[0] < counts[1]
        assert g * bind(grouped.macs, groups) == bind(regular.macs, whole)


def test_l20_depthwise_is_grouped_with_one_channel_and_one_kernel_per_group() -> None:
    rng = np.random.default_rng(1)
    for channels in r(1, 5):
        depthwise = example("L20", M=channels, H=6, W=5, p=3, q=2)
        grouped = example("L19", m=1, k=1, g=channels, H=6, W=5, p=3, q=2)
        weight, bias = rng.integers(-9, 10, (channels, 1, 3, 2)), rng.integers(-9, 10, channels)
        picture = rng.integers(-9, 10, (channels, 6, 5))

        outputs = [
            cm.run(network, picture, {network.nodes[0].name: {"weight": weight, "bias": bias}})
            for network in (depthwise, grouped)
        ]

        assert outputs[0].tolist() == outputs[1].tolist()
        assert derive(depthwise).totals.params == derive(grouped).totals.params == 7 * channels


def test_l22_zeros_between_the_elements_then_a_convolution() -> None:
    for kernel, stride in product(r(1, 4), r(1, 4)):
        picture, weight = np.arange(12).reshape(1, 3, 4) ** 2 % 19, np.arange(1, kernel**2 + 1).reshape(kernel, kernel)
        spread = np.zeros((stride * 2 + 1, stride * 3 + 1), dtype=np.int64)
        spread[::stride, ::stride] = picture[0]
        around = np.pad(spread, kernel - 1)
        bound = example("L22", M=1, K=1, H=3, W=4, k=kernel, s=stride)

        output = cm.run(bound, picture, {"conv_transpose1": {"weight": [[weight]], "bias": [0]}})

        assert exact(output)[0] == slid(around.tolist(), weight[::-1, ::-1].tolist())


def test_l22_a_transposed_convolution_enlarges_the_map() -> None:
    for size, kernel, stride in product(r(1, 5), r(1, 4), r(1, 4)):
        height = derive(example("L22", M=1, K=1, H=size, W=1, k=kernel, s=stride)).totals.output_shape[1]

        assert height >= size
        assert (height > size) == (kernel > 1 or (stride > 1 and size > 1))


def test_l23_the_bilinear_formula_of_the_lecture() -> None:
    """G = max(0, 1 - |alpha - s|)·max(0, 1 - |beta - t|), summed over all pixels (s, t)."""
    rng = np.random.default_rng(0)
    picture, weight = rng.integers(0, 9, (1, 5, 6)), rng.integers(-3, 4, (1, 1, 2, 3))
    moved = rng.uniform(-2, 2, (2, 1, 2, 3))
    bound = example("L23-learned", M=1, K=1, H=5, W=6, p=2, q=3, max_offset=2)
    weights = {"weight": weight, "bias": [0], "offset_1": moved[0], "offset_2": moved[1]}

    output = cm.run(bound, picture, {"deformable_conv1": weights})

    for i, j in product(range(4), range(4)):
        expected = 0.0
        for u, v in product(range(2), range(3)):
            alpha, beta = i + u + moved[0, 0, u, v], j + v + moved[1, 0, u, v]
            for s, t in product(range(5), range(6)):
                share = max(0, 1 - abs(alpha - s)) * max(0, 1 - abs(beta - t))
                expected += weight[0, 0, u, v] * share * picture[0, s, t]
        assert isclose(output[0, i, j], expected, abs_tol=1e-9)


def test_l23_without_offsets_both_kinds_are_the_convolution() -> None:
    rng = np.random.default_rng(0)
    picture, weight = rng.integers(-9, 10, (2, 5, 4)), rng.integers(-9, 10, (3, 2, 2, 3))
    plain = cm.run(
        example("L10", M=2, K=3, H=5, W=4, p=2, q=3), picture, {"conv1": {"weight": weight, "bias": [1, 2, 3]}}
    )
    for kind, still in (
        ("learned", {"offset_1": np.zeros((1, 2, 3)), "offset_2": np.zeros((1, 2, 3))}),
        ("predicted", {"offset_weight": np.zeros((12, 2, 2, 3)), "offset_bias": np.zeros(12)}),
    ):
        bound = example(f"L23-{kind}", M=2, K=3, H=5, W=4, p=2, q=3, max_offset=1)

        output = cm.run(bound, picture, {"deformable_conv1": {"weight": weight, "bias": [1, 2, 3], **still}})

        assert output.tolist() == plain.tolist()


def test_l24_and_l25_the_convolution_needs_fewer_from_one_neuron_on() -> None:
    dense, convolved = (derive(example(name)).totals.params for name in ("L24", "L25"))

    assert (str(dense), str(convolved)) == ("10*N", "5*N + 4")
    assert all(bind(convolved, {"N": N}) < bind(dense, {"N": N}) for N in r(1, 50))


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4])
def test_l26_a_typical_architecture(depth: int) -> None:
    network = example("L26", depth=depth)
    report = derive(network).totals
    for H, W, K, k, N, classes in product((16, 21), (17,), (1, 3), (1, 3), (2,), (5,)):
        values = {"H": H, "W": W, "K": K, "k": k, "N": N, "classes": classes}
        values = {name: value for name, value in values.items() if name in {each.name for each in network.symbols}}
        channels = [3, *(K * 2**stage for stage in range(depth))]
        convolutions = sum((a * k * k + 1) * b for a, b in pairwise(channels))
        vector = channels[-1] * (H >> depth) * (W >> depth)
        expected = convolutions + (vector + 1) * N + (N + 1) * classes

        seen = measure_costs(network.bind(values))

        assert bind(report.params, values) == seen.total("params") == expected
        assert seen.layers[-1].output_shape == (classes,)
