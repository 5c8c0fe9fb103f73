"""The spec language, as far as one input and a stack of layers go: what it means, and how faults are told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from convmath.errors import LimitError, SpecError, UsageError
from convmath.formula import Value, bind, symbol
from convmath.limits import DEFAULT
from convmath.spec.document import Document
from convmath.spec.files import read_bytes
from convmath.spec.graph import Group, Network, SymbolInfo, arriving_channels
from convmath.spec.kinds import ALIASES, VOCABULARY
from convmath.spec.layer import Layer, Shorthand, core_kinds
from convmath.spec.parse import parse
from convmath.spec.reader import FROM_ELSEWHERE

HEAD = "convmath: 1\ninput: [3, H, W]\n"
H, W, n = symbol("H"), symbol("W"), symbol("n")


def network(
    text: str, settings: dict[str, int | str] | None = None, *, numbers: bool = False, head: str = HEAD
) -> Network:
    return parse(read_bytes((head + text).encode(), "net.yaml", ".yaml", DEFAULT), settings, numbers=numbers)


def layers(text: str, **settings: int | str) -> list[Any]:
    """Return the layers of a network whose ``layers`` are *text*."""
    return [each.layer for each in network(f"layers: {text}", settings).nodes]


def names(text: str) -> list[str]:
    return [each.name for each in network(text).nodes]


def refusal(
    text: str, settings: dict[str, int | str] | None = None, *, numbers: bool = False, head: str = HEAD
) -> SpecError:
    with pytest.raises(SpecError) as caught:
        network(text, settings, numbers=numbers, head=head)
    return caught.value


def told(text: str, settings: dict[str, int | str] | None = None, *, head: str = HEAD) -> list[tuple[str, str | None]]:
    """Return the code of every problem and what stands at its spot."""
    shown = []
    for each in refusal(text, settings, head=head).problems:
        spot = each.spot
        shown.append((each.code, spot and spot.text[spot.column - 1 : spot.column - 1 + spot.width]))
    return shown


def helps(text: str) -> list[str | None]:
    return [each.help for each in refusal(text).problems]


CONV = "conv: {out_channels: 4, kernel_size: 3"

# symbols, values, settings


def test_names_bound_nowhere_are_positive_symbols() -> None:
    found = network("layers: [dense: width//2 + k]")

    assert found.symbols == tuple(SymbolInfo(name, 1, None, None) for name in ("H", "W", "width", "k"))
    assert found.nodes[0].layer == VOCABULARY["dense"](out_features=symbol("width") // 2 + symbol("k"), bias=True)


def test_declarations_say_more_about_symbols_and_order_them() -> None:
    found = network(
        "symbols: {W: {default: 8}, H: {min: 4, max: 512, default: 224}, p: {min: 0}, unused: {}}\nlayers: [pad: p]"
    )

    assert found.symbols == (SymbolInfo("W", 1, None, 8), SymbolInfo("H", 4, 512, 224), SymbolInfo("p", 0, None, None))


def test_a_symbol_with_a_default_stays_a_symbol() -> None:
    found = network("symbols: {H: {default: 5}, W: {default: 7}}\nlayers: [relu]")

    assert found.inputs[0].shape == (3, H, W)
    assert found.defaults == {"H": 5, "W": 7}


def test_defaults_are_none_where_one_is_missing() -> None:
    assert network("symbols: {H: {default: 5}}\nlayers: [relu]").defaults is None


@pytest.mark.parametrize(
    ("declaration", "code", "at"),
    [
        ("H: {min: 5, max: 4}", "out-of-range", "{"),
        ("H: {default: 0}", "out-of-range", "{"),
        ("H: {max: 4, default: 5}", "out-of-range", "{"),
        ("H: {min: 6, default: 5}", "out-of-range", "{"),
        ("H: {minimum: 4}", "unknown-field", "minimum"),
        ("H: 224", "not-fields", "224"),
        ("H: {default: W}", "not-a-number", "W"),
        ("H: {default: 1.5}", "not-a-number", "1.5"),
        ("H: {default: true}", "not-a-number", "true"),
        ("H: {min: -1}", "bad-size", "-1"),
        ("floor: {}", "bad-name", "floor"),
        ("in_channels: {}", "bad-name", "in_channels"),
        ("lambda: {}", "bad-name", "lambda"),
        ("a b: {}", "bad-name", "a b"),
        ("é: {}", "bad-name", "é"),
        ("i: {}", "bad-name", "i"),
    ],
)
def test_faulty_declarations(declaration: str, code: str, at: str) -> None:
    assert told(f"symbols: {{{declaration}}}\nlayers: [relu]") == [(code, at)]


def test_values_refer_to_one_another_in_any_order() -> None:
    found = network("let: {a: 2*b, b: c + H, c: 3}\nlayers: [dense: a]")

    assert found.nodes[0].layer.out_features == 2 * H + 6  # type: ignore[attr-defined]
    assert [each.name for each in found.symbols] == ["H", "W"]


@pytest.mark.parametrize("use", ["dense: a", "relu"])
@pytest.mark.parametrize(
    ("let", "circle"),
    [("a: a", "a → a"), ("a: b, b: a", " → "), ("a: b + 1, b: 2*c, c: a//2", " → "), ("a: 3, x: y, y: x", " → ")],
)
def test_values_that_depend_on_themselves_are_refused_once(let: str, circle: str, use: str) -> None:
    error = refusal(f"let: {{{let}}}\nlayers: [{use}]")

    assert [each.code for each in error.problems] == ["circular"]
    assert circle in error.problems[0].message


@pytest.mark.parametrize("use", ["[relu]", "[dense: a]", "[dense: a, dense: a, dense: 2*a]"])
def test_a_faulty_value_is_one_fault_used_or_not(use: str) -> None:
    assert told(f"let: {{a: 3 + }}\nlayers: {use}") == [("bad-expression", "3 +")]


def test_values_may_be_words_lists_and_flags() -> None:
    text = (
        "let: {p: same, m: reflect, k: [3, 5], f: false, s: 2}\nlayers: [conv: "
        "{out_channels: 1, kernel_size: k, padding: p, padding_mode: m, bias: f, stride: s}]"
    )

    [node] = network(text).nodes

    assert node.layer == VOCABULARY["conv"](
        out_channels=1,
        kernel_size=(3, 5),
        stride=(2, 2),
        padding=("same", "same"),
        dilation=(1, 1),
        groups=1,
        bias=False,
        padding_mode="reflect",
    )


def test_values_for_real_fields_may_be_whole_or_decimal() -> None:
    found = network("let: {a: 1, b: 0.5}\nlayers: [leaky_relu: a, leaky_relu: b]")

    assert [each.layer.negative_slope for each in found.nodes] == [1.0, 0.5]  # type: ignore[attr-defined]


def test_settings_bind_names_of_real_fields() -> None:
    assert layers("[leaky_relu: slope]", slope=2)[0].negative_slope == 2.0


@pytest.mark.parametrize(
    ("let", "code", "at"),
    [
        ("H: 3", "name-taken", "H"),
        ("max: 3", "bad-name", "max"),
        ("i: 3", "bad-name", "i"),
        ("a: 1_000", "bad-number", "1_000"),
    ],
)
def test_faulty_values(let: str, code: str, at: str) -> None:
    assert told(f"symbols: {{H: {{}}}}\nlet: {{{let}}}\nlayers: [relu]") == [(code, at)]


SET = (
    "symbols: {H: {default: 32, max: 64}, W: {default: 16}}\n"
    "let: {width: 4}\nlayers: [conv: {out_channels: width, kernel_size: k}]"
)


@pytest.mark.parametrize(
    ("settings", "shape", "width", "left"),
    [
        ({}, (3, H, W), 4, "HWk"),
        ({"H": 5}, (3, 5, W), 4, "Wk"),
        ({"H": "5"}, (3, 5, W), 4, "Wk"),
        ({"H": "2*n"}, (3, 2 * n, W), 4, "nWk"),
        ({"H": "W"}, (3, W, W), 4, "Wk"),
        ({"H": "H + 1"}, (3, H + 1, W), 4, "HWk"),
        ({"H": "width + 1"}, (3, 5, W), 4, "Wk"),
        ({"k": 3}, (3, H, W), 4, "HW"),
        ({"width": 9}, (3, H, W), 9, "HWk"),
        ({"width": "H//2"}, (3, H, W), H // 2, "HWk"),
        ({"width": "width"}, (3, H, W), symbol("width"), ("H", "W", "width", "k")),
        ({"H": "2*n", "n": 4}, (3, 8, W), 4, "Wk"),
        ({"H": "2**n", "W": "H//2"}, (3, 2**3, 4), 4, "k"),
    ],
)
def test_settings_bind_symbols_and_values(settings: dict[str, int | str], shape: Any, width: Value, left: str) -> None:
    if settings.get("H") == "2**n":
        settings = settings | {"n": 3}

    found = network(SET, settings)

    assert found.inputs[0].shape == shape
    assert found.nodes[0].layer.out_channels == width  # type: ignore[attr-defined]
    assert {each.name for each in found.symbols} == set(left)


def test_numbers_bind_every_symbol_to_its_default() -> None:
    found = network(SET, {"k": 3}, numbers=True)

    assert found.inputs[0].shape == (3, 32, 16)
    assert found.symbols == ()


def test_settings_win_over_numbers() -> None:
    assert network(SET, {"k": 3, "H": "W//2"}, numbers=True).inputs[0].shape == (3, 8, 16)


@pytest.mark.parametrize(("settings", "missing"), [({}, "k"), ({"k": "2*q", "H": "n"}, "n, q")])
def test_numbers_need_defaults(settings: dict[str, int | str], missing: str) -> None:
    [problem] = refusal(SET, settings, numbers=True).problems

    assert (problem.code, problem.message) == ("no-default", f"no default for {missing}")
    assert problem.help == f"give a value: --set {missing[0]}=3"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("widht", "did you mean 'width'?"),
        ("h", "it has H, W, k, width"),
        ("3", "it has"),
        ("in_channels", "it has"),
        ("\x1b", r"\x1b"),
    ],
)
def test_settings_of_names_that_the_spec_does_not_have_are_wrong_usage(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(hint)):
        network(SET, {name: 3})


@pytest.mark.parametrize("value", ["3 +", "", "1_000", "__import__('os')", "5e6", "H\x1b"])
def test_settings_that_are_no_expression_are_wrong_usage(value: str) -> None:
    with pytest.raises(UsageError, match=r"\AH="):
        network(SET, {"H": value})


@pytest.mark.parametrize(
    ("name", "value"), [("H", 0), ("H", 65), ("H", "-3"), ("H", "7/2"), ("k", 0), ("W", "1 - 1"), ("H", "W + W*0 - W")]
)
def test_settings_out_of_range_are_refused(name: str, value: int | str) -> None:
    codes = {each.code for each in refusal(SET, {name: value}).problems}

    assert codes <= {"out-of-range", "bad-size"}


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ("-3", "out-of-range", "the symbol 'H' is -3, but must be 1 or more"),
        (0, "out-of-range", "the symbol 'H' is 0, but must be 1 or more"),
        ("130/2", "out-of-range", "the symbol 'H' is 65, but must be 64 or less"),
        ("7/2", "out-of-range", "the symbol 'H' is 7/2, which is no integer"),
        ("2**9999", "expr-too-large", "the power 2**9999 has more than 4096 bits"),
    ],
)
def test_a_faulty_setting_is_told_once_and_as_the_option(value: int | str, code: str, message: str) -> None:
    [problem] = refusal(f"{SET}\n", {"H": value, "k": 3}).problems

    assert (problem.code, problem.message) == (code, f"--set H={value}: {message}")
    assert problem.spot is None
    assert problem.file is None


def test_every_faulty_setting_is_told() -> None:
    found = [each.message for each in refusal(SET, {"H": -1, "k": 0, "W": 3}).problems]

    assert found == [
        "--set H=-1: the symbol 'H' is -1, but must be 1 or more",
        "--set k=0: the symbol 'k' is 0, but must be 1 or more",
    ]


def test_settings_that_depend_on_one_another_are_refused() -> None:
    assert {code for code, _ in told(SET, {"H": "W", "W": "H"})} == {"circular"}


def test_a_fault_of_the_spec_is_told_before_a_setting_that_it_hides() -> None:
    assert told("layers: [conv: {out_channels: 1, kernal_size: k}]", {"k": 3}) == [("unknown-field", "kernal_size")]


# layers

ONE_LINE = {
    "dense": ("7", {"out_features": 7}),
    "pointwise_conv": ("7", {"out_channels": 7}),
    "depthwise_conv": ("5", {"kernel_size": (5, 5)}),
    "max_pool": ("2", {"kernel_size": (2, 2), "stride": (2, 2)}),
    "avg_pool": ("[2, 3]", {"kernel_size": (2, 3), "stride": (2, 3)}),
    "adaptive_avg_pool": ("[1, 7]", {"output_size": (1, 7)}),
    "adaptive_max_pool": ("7", {"output_size": (7, 7)}),
    "pad": ("[1, [2, 3]]", {"amount": ((1, 1), (2, 3))}),
    "crop": ("[1, [2, 3]]", {"amount": ((1, 1), (2, 3))}),
    "upsample": ("2", {"scale_factor": (2, 2), "size": (), "mode": "nearest", "align_corners": False}),
    "local_response_norm": ("5", {"size": 5}),
    "lp_pool": ("2", {"kernel_size": (2, 2), "stride": (2, 2), "norm_type": 2.0}),
    "layer_norm": ("channels", {"over": "channels", "affine": True}),
    "group_norm": ("1", {"num_groups": 1}),
    "channel_shuffle": ("1", {"groups": 1}),
    "pixel_shuffle": ("2", {"upscale_factor": (2, 2)}),
    "reshape": ("[4, 8]", {"shape": (4, 8)}),
    "slice_channels": ("[0, 2]", {"channels": (0, 2)}),
    "pixel_unshuffle": ("1", {"downscale_factor": (1, 1)}),
    "rescaling": ("0.5", {"scale": 0.5, "offset": 0.0}),
    "celu": ("0.7", {"alpha": 0.7}),
    "leaky_relu": ("0.2", {"negative_slope": 0.2}),
    "prelu": ("0.1", {"init": 0.1, "num_parameters": 1}),
    "elu": ("0.7", {"alpha": 0.7}),
    "softplus": ("2", {"beta": 2.0}),
    "dropout": ("0.3", {"p": 0.3}),
    "squeeze_excitation": ("7", {"output_size": (1, 1)}),
    "add": ("[input, input]", {}),
    "multiply": ("[input, input]", {}),
    "concat": ("[input, input]", {}),
    "subtract": ("[input, input]", {}),
    "divide": ("[input, input]", {}),
    "maximum": ("[input, input]", {}),
    "minimum": ("[input, input]", {}),
}
MANY_FIELDS = {"conv", "locally_connected", "separable_conv", "conv_transpose", "deformable_conv", "opaque"}
BARE = {kind for kind, cls in VOCABULARY.items() if cls.value is None} - MANY_FIELDS


def test_the_one_line_forms_are_all_here() -> None:
    assert ONE_LINE.keys() == {kind for kind, cls in VOCABULARY.items() if cls.value is not None}


@pytest.mark.parametrize("kind", ONE_LINE)
def test_every_one_line_value(kind: str) -> None:
    value, fields = ONE_LINE[kind]

    short, *_ = short_form = layers(f"[{kind}: {value}]")
    full_form = layers(f"[{kind}: {{{VOCABULARY[kind].value}: {value}}}]")

    assert short_form == full_form
    assert {name: getattr(short, name) for name in fields} == fields


@pytest.mark.parametrize("kind", sorted(BARE))
def test_every_kind_without_a_value_is_one_word(kind: str) -> None:
    assert layers(f"[{kind}]") == layers(f"[{kind}: {{}}]") == layers(f"[{kind}: ]")
    assert told(f"layers: [{kind}: 3]") == [("not-fields", "3")]
    assert helps(f"layers: [{kind}: 3]") == [f"write '{kind}'"]


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_name_the_same_kind(alias: str) -> None:
    fields = "{out_features: 3}" if ALIASES[alias] == "dense" else "{out_channels: 3, kernel_size: 2}"

    assert layers(f"[{alias}: {fields}]") == layers(f"[{ALIASES[alias]}: {fields}]")


def test_engines_see_no_shorthand() -> None:
    assert not any(issubclass(each, Shorthand) for each in core_kinds())
    found = layers(
        "[depthwise_conv: 3, pointwise_conv: 4, separable_conv: "
        "{out_channels: 5, kernel_size: 3}, global_avg_pool, global_max_pool]"
    )
    assert {type(each) for each in found} <= set(core_kinds())


def test_shorthands_say_what_they_stand_for() -> None:
    depthwise, deep, point, pool = layers(
        "[depthwise_conv: {kernel_size: 3, multiplier: 2, shared: true}, "
        "separable_conv: {out_channels: 5, kernel_size: 3, stride: 2}, global_avg_pool]"
    )

    first, second = symbol(arriving_channels(0)), symbol(arriving_channels(1))
    assert (depthwise.groups, depthwise.out_channels, depthwise.shared, depthwise.bias) == (
        first,
        2 * first,
        True,
        True,
    )
    assert (deep.groups, deep.out_channels, deep.stride, deep.bias) == (second, second, (2, 2), False)
    assert (point.kernel_size, point.stride, point.out_channels, point.bias) == ((1, 1), (1, 1), 5, True)
    assert pool.output_size == (1, 1)


@pytest.mark.parametrize(
    ("shape", "axes"), [("[1, L]", 1), ("[1, H, W]", 2), ("[1, D, H, W]", 3), ("[1, A, B, C, D]", 4)]
)
def test_one_number_holds_for_every_axis(shape: str, axes: int) -> None:
    [node] = network(f"layers: [{CONV}, padding: 1, stride: s}}]", head=f"convmath: 1\ninput: {shape}\n").nodes

    assert node.layer.kernel_size == (3,) * axes  # type: ignore[attr-defined]
    assert node.layer.stride == (symbol("s"),) * axes  # type: ignore[attr-defined]
    assert node.layer.padding == ((1, 1),) * axes  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("padding", "pads"),
    [
        ("2", ((2, 2), (2, 2))),
        ("0", ((0, 0), (0, 0))),
        ("[1, 2]", ((1, 1), (2, 2))),
        ("[[1, 2], 3]", ((1, 2), (3, 3))),
        ("[[1, 2], [0, 4]]", ((1, 2), (0, 4))),
        ("valid", ((0, 0), (0, 0))),
        ("same", ("same", "same")),
        ("causal", ((4, 0), (4, 0))),
        ("[causal, same]", ((4, 0), "same")),
        ("[valid, [1, 0]]", ((0, 0), (1, 0))),
        ("H//2", ((H // 2, H // 2),) * 2),
        ("[H, [W, 0]]", ((H, H), (W, 0))),
    ],
)
def test_padding_forms(padding: str, pads: Any) -> None:
    [found] = layers(f"[{CONV}, dilation: 2, padding: {padding}}}]")

    assert found.padding == pads


def test_one_dimension_takes_a_list_of_one_pair() -> None:
    [node] = network(f"layers: [{CONV}, padding: [[2, 0]]}}]", head="convmath: 1\ninput: [1, L]\n").nodes

    assert node.layer.padding == ((2, 0),)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "code", "at"),
    [
        ("padding: [1]", "wrong-length", "["),
        ("padding: [2, 0, 1]", "wrong-length", "["),
        ("padding: [[1, 2, 3], 0]", "wrong-length", "["),
        ("padding: [[1], 0]", "wrong-length", "["),
        ("padding: -1", "bad-size", "-1"),
        ("padding: [0, [0, -1]]", "bad-size", "-1"),
        ("padding: 1.5", "not-a-number", "1.5"),
        ("padding: {a: 1}", "not-a-number", "{"),
        ("padding: true", "not-a-number", "true"),
        ("stride: 0", "bad-size", "0"),
        ("stride: [1, 0]", "bad-size", "0"),
        ("stride: [1, 2, 3]", "wrong-length", "["),
        ("stride: 1/2", "bad-size", "1/2"),
        ("stride: 1e3", "not-a-number", "1e3"),
        ("dilation: 0", "bad-size", "0"),
        ("groups: 0", "bad-size", "0"),
        ("groups: [1]", "not-a-number", "["),
        ("groups: ~", "not-a-number", "~"),
        ("groups: 3/0", "division-by-zero", "3/0"),
        ("groups: 2 + foo(3)", "unknown-function", "foo(3)"),
        ('groups: "2 + foo(3)"', "unknown-function", "foo(3)"),
        ("groups: 2**9999", "expr-too-large", "2**9999"),
        ("bias: 1", "not-a-flag", "1"),
        ("bias: no", "not-a-flag", "no"),
        ("padding_mode: zero", "unknown-word", "zero"),
        ("padding_mode: 3", "unknown-word", "3"),
        ("strides: 2", "unknown-field", "strides"),
        ("weights: 2", "unknown-field", "weights"),
        ("shared: true", "unknown-field", "shared"),
        ("in_channels: 3", "unknown-field", "in_channels"),
    ],
)
def test_faulty_fields_are_told_at_their_spot(fields: str, code: str, at: str) -> None:
    assert told(f"layers: [{CONV}, {fields}}}]") == [(code, at)]


@pytest.mark.parametrize(
    ("layer", "code", "at"),
    [
        ("dropout: 1.5", "out-of-range", "1.5"),
        ("dropout: -0.1", "out-of-range", "-0.1"),
        ("dropout: half", "not-a-number", "half"),
        ("elu: nan", "not-a-number", "nan"),
        ("elu: .inf", "not-a-number", ".inf"),
        ("elu: true", "not-a-number", "true"),
        ("elu: 1_0.5", "not-a-number", "1_0.5"),
        ("dense: -1", "bad-size", "-1"),
        ("dense: 3/2", "bad-size", "3/2"),
        ("dense: 1.5", "not-a-number", "1.5"),
        ("dense: [3]", "not-a-number", "["),
        ("dense:", "missing-field", "dense"),
        ("dense", "missing-field", "dense"),
        ("conv: 3", "not-fields", "3"),
        ("conv: {kernel_size: 3}", "missing-field", "conv"),
        ("cnv: 3", "unknown-kind", "cnv"),
        ("{relu: , tanh: }", "bad-entry", "{"),
        ("3", "bad-entry", "3"),
        ("[relu]", "bad-entry", "["),
        ("~", "bad-entry", "~"),
        ("{}", "bad-entry", "{"),
    ],
)
def test_faulty_entries_are_told_at_their_spot(layer: str, code: str, at: str) -> None:
    assert told(f"layers:\n  - {layer}") == [(code, at)]


def test_layers_that_need_an_image_are_refused_after_a_vector() -> None:
    assert told("layers: [flatten, max_pool: 2]") == [("no-axes", "max_pool")]
    assert told("layers: [max_pool: 2]", head="convmath: 1\ninput: [C]\n") == [("no-axes", "max_pool")]


def test_in_channels_is_the_channels_that_arrive_at_the_layer() -> None:
    first, second = layers(f"[{CONV}}}, conv: {{out_channels: 2*in_channels, kernel_size: 1, groups: in_channels}}]")

    assert first.groups == 1
    assert (second.out_channels, second.groups) == (2 * symbol(arriving_channels(1)), symbol(arriving_channels(1)))


# defaults


def test_defaults_hold_where_a_field_is_not_given() -> None:
    first, second, third = layers(
        f"[{CONV}}}, {CONV}, bias: true}}, dense: 3]\n"
        f"defaults: {{conv: {{bias: false, stride: s}}, linear: {{bias: false}}}}"
    )

    assert (first.bias, first.stride) == (False, (symbol("s"),) * 2)
    assert second.bias
    assert not third.bias


def test_defaults_of_conv_hold_for_the_shorthands_built_on_it_and_their_own_win() -> None:
    depthwise, pointwise, _, mixing, local = layers(
        "[depthwise_conv: 3, pointwise_conv: 4, separable_conv: {out_channels: 5, kernel_size: 3},"
        " locally_connected: {out_channels: 1, kernel_size: 1}]\n"
        "defaults: {conv: {bias: false, stride: 2}, depthwise_conv: {stride: 3}, separable_conv: {bias: true}}"
    )

    assert (depthwise.bias, depthwise.stride) == (False, (3, 3))
    assert (pointwise.bias, pointwise.stride) == (False, (2, 2))
    assert mixing.bias
    assert (local.bias, local.stride) == (True, (1, 1))


@pytest.mark.parametrize(
    ("defaults", "code", "at"),
    [
        ("conv: {bia: false}", "unknown-field", "bia"),
        ("convv: {bias: false}", "unknown-kind", "convv"),
        ("conv: 3", "not-fields", "3"),
        ("conv: {stride: 0}", "bad-size", "0"),
        ("conv: {padding: [1, 2, 3]}", "wrong-length", "["),
    ],
)
def test_faulty_defaults(defaults: str, code: str, at: str) -> None:
    assert told(f"defaults: {{{defaults}}}\nlayers: [{CONV}}}]") == [(code, at)]


# blocks

BODY = """\
blocks:
  body:
    params: [channels, {stride: 1}, {mode: zeros}]
    let: {half: channels//2, more: half + base}
    layers:
      - conv: {out_channels: half, kernel_size: 3, stride: stride, padding_mode: mode}
      - conv: {out_channels: more, kernel_size: 1}
let: {base: 10}
"""


@pytest.mark.parametrize(
    ("call", "half", "stride", "mode"),
    [
        ("body: 8", 4, 1, "zeros"),
        ("body: {channels: 8}", 4, 1, "zeros"),
        ("body: {channels: 8, stride: 2, mode: reflect}", 4, 2, "reflect"),
        ("body: 2*H", H, 1, "zeros"),
        ("body: {channels: in_channels}", symbol(arriving_channels(0)) // 2, 1, "zeros"),
        ("body: {channels: 4, stride: base}", 2, 10, "zeros"),
    ],
)
def test_blocks_take_values_by_place_and_by_name(call: str, half: Value, stride: Value, mode: str) -> None:
    first, second = (each.layer for each in network(BODY + f"layers: [{call}]").nodes)

    assert (first.out_channels, first.stride, first.padding_mode) == (half, (stride, stride), mode)  # type: ignore[attr-defined]
    assert second.out_channels == half + 10  # type: ignore[attr-defined]


def test_a_block_with_defaults_for_all_needs_nothing() -> None:
    text = "blocks: {b: {params: [{k: 3}], layers: [max_pool: k]}}\nlayers: [b, b: , b: {}, b: 5]"

    assert [each.layer.kernel_size[0] for each in network(text).nodes] == [3, 3, 3, 5]  # type: ignore[attr-defined]


def test_arguments_may_be_lists_and_words() -> None:
    text = (
        "blocks: {b: {params: [k, {p: valid}], layers: [conv: {out_channels: 1, "
        "kernel_size: k, padding: p}]}}\nlayers: [b: [3, 5], b: {k: [1, H], p: same}]"
    )

    first, second = (each.layer for each in network(text).nodes)

    assert (first.kernel_size, first.padding) == ((3, 5), ((0, 0), (0, 0)))  # type: ignore[attr-defined]
    assert (second.kernel_size, second.padding) == ((1, H), ("same", "same"))  # type: ignore[attr-defined]


def test_a_block_sees_the_files_names_and_not_its_callers() -> None:
    text = (
        "let: {k: 7}\nblocks:\n  inner: {layers: [max_pool: k, max_pool: c]}\n"
        "  outer: {params: [k, c], layers: [inner, max_pool: k]}\n"
        "layers: [outer: {k: 2, c: 3}]"
    )

    sizes = [each.layer.kernel_size[0] for each in network(text).nodes]  # type: ignore[attr-defined]

    assert sizes == [7, symbol("c"), 2]


def test_in_channels_of_a_blocks_let_are_those_that_arrive_at_the_block() -> None:
    text = (
        "blocks: {b: {let: {c: in_channels}, layers: [dense: 5, dense: c, dense: in_channels]}}\nlayers: [flatten, b]"
    )

    sizes = [each.layer.out_features for each in network(text).nodes[1:]]  # type: ignore[attr-defined]

    assert sizes == [5, symbol(arriving_channels(1)), symbol(arriving_channels(3))]


def test_an_argument_is_read_where_it_was_written() -> None:
    text = "blocks: {b: {params: [c], layers: [dense: 5, dense: c]}}\nlayers: [flatten, b: in_channels + 1]"

    assert network(text).nodes[2].layer.out_features == symbol(arriving_channels(1)) + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("argument", ["c", "1*c", "[c, c]", "[c + 0, 1*c]", "'c'"])
@pytest.mark.parametrize("field", ["stride", "padding", "kernel_size"])
def test_a_name_in_an_argument_means_what_it_means_at_the_call(argument: str, field: str) -> None:
    given = {"out_channels": "1", "kernel_size": "9", field: "k"}
    inner = "conv: {" + ", ".join(f"{name}: {held}" for name, held in given.items()) + "}"
    text = (
        f"let: {{c: 50}}\nblocks: {{inner: {{params: [k], let: {{j: 60}}, layers: "
        f"[{inner}]}}, outer: {{params: [c], layers: [inner: {{k: {argument}}}]}}}}\n"
    )

    [found] = [each.layer for each in network(text + "layers: [outer: 3]").nodes]

    assert getattr(found, field) == (((3, 3), (3, 3)) if field == "padding" else (3, 3))


def test_a_pair_in_an_argument_means_what_it_means_at_the_call() -> None:
    text = (
        "blocks: {inner: {params: [p], layers: [pad: [p, 1]]}, outer: "
        "{params: [c], layers: [inner: {p: [c, 2*c]}]}}\nlayers: [outer: 3]"
    )

    assert network(text).nodes[0].layer.amount == ((3, 6), (1, 1))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("call", "code", "at"),
    [
        ("body", "missing-field", "body"),
        ("body: {stride: 2}", "missing-field", "body"),
        ("body: {channels: 2, strid: 2}", "unknown-field", "strid"),
        ("body: {channel: 2}", "unknown-field", "channel"),
        ("body: 0", "bad-size", "channels//2"),
        ("body: {channels: 8, stride: 0}", "bad-size", "stride"),
        ("body: {channels: 8, stride: 3 +}", "bad-expression", "3 +"),
        ("body: {channels: 8, mode: zero}", "unknown-word", "mode"),
        ("bodi: 8", "unknown-kind", "bodi"),
    ],
)
def test_faulty_calls_are_told_at_their_spot(call: str, code: str, at: str) -> None:
    [(found, shown)] = told(BODY + f"layers: [{call}]")

    assert found == code
    assert shown in (at, "half")


def test_a_fault_inside_a_block_is_told_once() -> None:
    text = (
        "blocks: {b: {params: [c], layers: [dense: c, dens: 3, dense: 0]}}\n"
        "layers: [flatten, b: 1, b: 2, repeat: {times: 3, layers: [b: 3]}]"
    )

    assert told(text) == [("unknown-kind", "dens"), ("bad-size", "0")]


@pytest.mark.parametrize(
    ("block", "code", "at"),
    [
        ("b: [relu]", "missing-field", "b"),
        ("b: {params: [c]}", "missing-field", "b"),
        ("b: {layers: relu}", "missing-field", "b"),
        ("b: {layers: [relu], layer: 3}", "unknown-field", "layer"),
        ("b: {layers: [relu], params: c}", "not-a-list", "c"),
        ("b: {layers: [relu], params: [1]}", "bad-name", "1"),
        ("b: {layers: [relu], params: [name]}", "bad-name", "name"),
        ("b: {layers: [relu], params: [max]}", "bad-name", "max"),
        ("b: {layers: [relu], params: [c, c]}", "name-taken", "c"),
        ("b: {layers: [relu], params: [c], let: {c: 3}}", "name-taken", "c"),
        ("b: {layers: [relu], let: [c]}", "not-fields", "["),
        ("conv: {layers: [relu]}", "name-taken", "conv"),
        ("linear: {layers: [relu]}", "name-taken", "linear"),
        ("repeat: {layers: [relu]}", "name-taken", "repeat"),
    ],
)
def test_faulty_blocks_are_told_once_however_often_they_are_called(block: str, code: str, at: str) -> None:
    call = "b: 2, b" if block.startswith("b:") else "tanh"

    assert told(f"blocks: {{{block}}}\nlayers: [{call}]") == [(code, at)]


def test_a_block_without_parameters_takes_no_value() -> None:
    assert told("blocks: {b: {layers: [relu]}}\nlayers: [b: 5]") == [("not-fields", "5")]


# repeat


def test_a_repeat_makes_copies_with_an_index_from_0() -> None:
    found = network("layers: [repeat: {times: 3, index: j, layers: [max_pool: j + 1, pad: 2**j]}]")

    assert [each.name for each in found.nodes] == [
        f"repeat1.{at}.{name}" for at in range(3) for name in ("max_pool1", "pad1")
    ]
    assert [each.layer.kernel_size[0] for each in found.nodes[::2]] == [1, 2, 3]  # type: ignore[attr-defined]
    assert [each.layer.amount[0][0] for each in found.nodes[1::2]] == [1, 2, 4]  # type: ignore[attr-defined]
    assert [each.inputs for each in found.nodes] == [(at,) for at in range(6)]
    assert [each.repeat for each in found.nodes[::2]] == [((at, 3),) for at in range(3)]


def test_indices_nest() -> None:
    text = "layers: [repeat: {times: 2, index: a, layers: [repeat: {times: a + 1, index: b, layers: [pad: 10*a + b]}]}]"

    assert [each.layer.amount[0][0] for each in network(text).nodes] == [0, 10, 11]  # type: ignore[attr-defined]


def test_a_block_does_not_see_the_index_but_takes_it() -> None:
    text = (
        "blocks: {b: {params: [{c: 5}], layers: [pad: c, pad: j]}}\n"
        "layers: [repeat: {times: 2, index: j, layers: [b: j]}]"
    )

    amounts = [each.layer.amount[0][0] for each in network(text).nodes]  # type: ignore[attr-defined]

    assert amounts == [0, symbol("j"), 1, symbol("j")]


@pytest.mark.parametrize("times", ["0", "n - 2", "0*H"])
def test_no_times_is_the_identity(times: str) -> None:
    settings: dict[str, int | str] = {"n": 2} if "n" in times else {}
    found = network(f"layers: [relu, repeat: {{times: {times}, layers: [flatten]}}, max_pool: 2]", settings)

    assert [each.name for each in found.nodes] == ["relu1", "max_pool1"]
    assert found.nodes[1].inputs == (1,)
    assert found.groups == ()


def test_times_may_be_an_expression() -> None:
    assert len(network("let: {d: 7}\nlayers: [repeat: {times: d//2, layers: [relu]}]").nodes) == 3


@pytest.mark.parametrize(
    ("fields", "code", "at"),
    [
        ("layers: [relu]", "missing-field", "repeat"),
        ("times: 2", "missing-field", "repeat"),
        ("times: -1, layers: [relu]", "bad-size", "-1"),
        ("times: 1/2, layers: [relu]", "bad-size", "1/2"),
        ("times: 1.5, layers: [relu]", "not-a-number", "1.5"),
        ("times: 2, layers: relu", "not-a-list", "relu"),
        ("times: 2, layers: [relu], index: 3", "bad-name", "3"),
        ("times: 2, layers: [relu], index: max", "bad-name", "max"),
        ("times: 2, layers: [relu], indx: j", "unknown-field", "indx"),
        ("tims: 2, layers: [relu]", "unknown-field", "tims"),
        ("times: 2, layers: [rel]", "unknown-kind", "rel"),
        ("times: 3, index: j, layers: [max_pool: 2 - j]", "bad-size", "2 - j"),
    ],
)
def test_faulty_repeats_are_told_once(fields: str, code: str, at: str) -> None:
    assert told(f"layers: [repeat: {{{fields}}}]") == [(code, at)]


def test_a_repeat_is_no_list() -> None:
    assert told("layers: [repeat: 3]") == [("not-fields", "3")]


# names


def test_unnamed_layers_are_called_by_kind_and_number() -> None:
    assert names(f"layers: [relu, {CONV}}}, relu, {CONV}, name: c2}}, linear: 3, tanh, relu: {{name: last}}]") == [
        "relu1",
        "conv1",
        "relu2",
        "c2",
        "dense1",
        "tanh1",
        "last",
    ]


def test_numbers_that_are_taken_are_left_out() -> None:
    assert names("layers: [relu: {name: relu1}, relu: {name: relu3}, relu, relu]") == [
        "relu1",
        "relu3",
        "relu2",
        "relu4",
    ]


def test_names_that_are_given_win_over_numbered_ones() -> None:
    assert names("layers: [relu, relu: {name: relu1}, relu]") == ["relu2", "relu1", "relu3"]
    assert names("layers: [repeat: {times: 2, layers: [relu, relu: {name: relu1}]}]") == [
        f"repeat1.{count}.{name}" for count in (0, 1) for name in ("relu2", "relu1")
    ]
    assert names("blocks: {b: {layers: [relu]}}\nlayers: [b, b, tanh: {name: relu2}]") == ["relu1", "relu3", "relu2"]
    assert names("blocks: {b: {layers: [relu: {name: r}]}}\nlayers: [b, relu: {name: b1}]") == ["b2.r", "b1"]


def test_unnamed_blocks_are_transparent() -> None:
    text = "blocks: {b: {layers: [relu, tanh]}, c: {layers: [b, relu]}}\nlayers: [relu, b, c, c: {name: q}, relu]"

    found = network(text)

    assert [each.name for each in found.nodes] == [
        "relu1",
        "relu2",
        "tanh1",
        "relu3",
        "tanh2",
        "relu4",
        "q.relu1",
        "q.tanh1",
        "q.relu2",
        "relu5",
    ]
    assert found.groups == (Group("q", 6, 9),)


def test_paths_count_copies_from_0() -> None:
    text = (
        "blocks: {b: {params: [c], layers: [pad: c, relu]}}\nlayers: [repeat: "
        "{name: layer2, times: 2, layers: [b: {name: s, c: 1}, b: 2]}, relu]"
    )

    found = network(text)

    assert [each.name for each in found.nodes] == [
        f"layer2.{at}.{name}" for at in (0, 1) for name in ("s.pad1", "s.relu1", "pad1", "relu1")
    ] + ["relu1"]
    assert found.groups == (Group("layer2.0.s", 0, 2), Group("layer2.1.s", 4, 6), Group("layer2", 0, 8))


def test_a_block_that_names_its_layers_names_its_calls() -> None:
    text = "blocks: {b: {layers: [relu: {name: x}, tanh]}}\nlayers: [b, b, b: {name: q}]"

    assert names(text) == ["b1.x", "b1.tanh1", "b2.x", "b2.tanh1", "q.x", "q.tanh1"]


def test_a_shorthand_of_two_layers_is_a_group() -> None:
    found = network("layers: [relu, separable_conv: {name: s, out_channels: 3, kernel_size: 3}]")

    assert [each.name for each in found.nodes] == ["relu1", "s.depthwise", "s.pointwise"]
    assert found.groups == (Group("s", 1, 3),)
    assert [*found.names()] == ["relu1", "s.depthwise", "s.pointwise", "s"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("[relu: {name: a}, tanh: {name: a}]", "a"),
        ("[repeat: {name: a, times: 1, layers: [relu]}, tanh: {name: a}]", "a"),
        ("[repeat: {times: 2, layers: [relu: {name: a}, tanh: {name: a}]}]", "a"),
        ("[separable_conv: {name: s, out_channels: 3, kernel_size: 1}, relu: {name: s.depthwise}]", "s.depthwise"),
    ],
)
def test_names_that_are_given_twice_are_refused(text: str, at: str) -> None:
    assert told(f"layers: {text}") == [("name-taken", at)]


def test_a_name_that_is_given_twice_names_the_first_line() -> None:
    assert "the name 'a' is given twice, first in line 4" in str(
        refusal("layers:\n- relu: {name: a}\n- relu: {name: a}")
    )


def test_the_same_name_in_two_blocks_is_two_names() -> None:
    text = "blocks: {b: {layers: [relu: {name: x}]}}\nlayers: [b: {name: p}, b: {name: q}, relu: {name: x}]"

    assert names(text) == ["p.x", "q.x", "x"]


@pytest.mark.parametrize("name", ["5", "''", "true", "[a]", '"a\\nb"', "a" * 201])
def test_faulty_names(name: str) -> None:
    assert [code for code, _ in told(f"layers: [relu: {{name: {name}}}]")] == ["bad-name"]
    assert [code for code, _ in told(f"name: {name}\nlayers: [relu]")] == ["bad-name"]


def test_names_are_printable_text() -> None:
    assert names('layers: [relu: {name: "α-1 (β)"}]') == ["α-1 (β)"]
    assert network("name: Größe\nlayers: [relu]").name == "Größe"


def test_a_network_without_a_name_has_one() -> None:
    assert network("layers: [relu]").name == "network"


# the top of a file


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]\nlayer: 3", [("unknown-key", "layer")]),
        ("convmath: 1\ninput: [1, H]\nlayer: [relu]", [("unknown-key", "layer")]),
        ("convmath: 1\ninputt: [1, H]\nlayers: [relu]", [("unknown-key", "inputt")]),
        ("convmat: 1\ninput: [1, H]\nlayers: [relu]", [("unknown-key", "convmat")]),
        ("convmath: 2\ninput: [1, H]\nlayers: [relu]", [("bad-version", "2")]),
        ("convmath: true\ninput: [1, H]\nlayers: [relu]", [("bad-version", "true")]),
        ("convmath: '1'\ninput: [1, H]\nlayers: [relu]", [("bad-version", "'1'")]),
        ("convmath: 1\ninput: 3\nlayers: [relu]", [("not-a-shape", "3")]),
        ("convmath: 1\ninput: []\nlayers: [relu]", [("not-a-shape", "[")]),
        ("convmath: 1\ninput: [0, H, 1.5]\nlayers: [relu]", [("bad-size", "0"), ("not-a-number", "1.5")]),
        ("convmath: 1\ninput: [1, H]\nlayers: []", [("no-layers", "[")]),
        ("convmath: 1\ninput: [1, H]\nlayers: relu", [("not-a-list", "relu")]),
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]\nabout: 3", [("not-fields", "3")]),
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]\nsymbols: 3", [("not-fields", "3")]),
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]\nlet: [3]", [("not-fields", "[")]),
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]\nblocks: b", [("not-fields", "b")]),
        ("convmath: 1\ninput: [1, H]\nlayers: [relu]\noutputs: [a]", [("unknown-output", "a")]),
        ("convmath: 1\ninput: [1, i]\nlayers: [relu]", [("bad-name", "i")]),
        ("convmath: 1\ninput: [1, in_channels]\nlayers: [relu]", [("no-channels", "in_channels")]),
    ],
)
def test_faults_at_the_top(text: str, faults: list[tuple[str, str]]) -> None:
    assert told(text, head="") == faults


@pytest.mark.parametrize(
    "entry", ["add: []", "add: [[]]", "concat: {from: [relu1, []]}", "tanh: {from: []}", "add: none", "add: [none]"]
)
def test_a_list_without_names_is_refused(entry: str) -> None:
    [(code, _)] = told(f"let: {{none: []}}\nlayers: [relu, {entry}]")

    assert code == "no-names"


@pytest.mark.parametrize("let", ["{a: [a]}", "{a: [b], b: [[a]]}"])
def test_lists_of_names_that_name_themselves_are_refused(let: str) -> None:
    with pytest.raises(LimitError, match="too-deep"):
        network(f"let: {let}\nlayers: [relu, add: a]")


def test_names_of_lists_cannot_stand_for_ever_more_outputs() -> None:
    let = ", ".join(f"a{at}: [a{at + 1}, a{at + 1}]" for at in range(20))

    with pytest.raises(LimitError, match="too-many-layers"):
        network(f"let: {{{let}, a20: [relu1]}}\nlayers: [relu, add: a0]")


def test_a_block_joins_outputs_of_its_caller_that_a_list_names() -> None:
    block = "blocks: {join: {params: [skips], layers: [add: skips]}}"

    assert network(f"{block}\nlayers: [relu, tanh, join: {{skips: [relu1, tanh1]}}]").nodes[-1].inputs == (1, 2)


@pytest.mark.parametrize("shortcut", ["0", "false", "''", "{}"])
def test_a_shortcut_that_is_no_list_is_refused(shortcut: str) -> None:
    [(code, _)] = told(f"layers: [residual: {{layers: [relu], shortcut: {shortcut}}}]")

    assert code == "not-a-list"


@pytest.mark.parametrize(
    ("key", "code"), [("convmath", "no-version"), ("input", "missing-key"), ("layers", "missing-key")]
)
def test_keys_that_must_be_there(key: str, code: str) -> None:
    lines = {"convmath": "convmath: 1", "input": "input: [1, H]", "layers": "layers: [relu]"}
    text = "\n".join(line for name, line in lines.items() if name != key)

    [problem] = refusal(text, head="").problems

    assert problem.code == code
    assert key in (problem.help or "") or key in problem.message


def test_about_is_kept_and_not_interpreted() -> None:
    assert network("about: {paper: 1_000, params: H//0}\nlayers: [relu]").about == {"paper": "1_000", "params": "H//0"}


# errors

EXAMPLE = """\
convmath: 1
input: [1, H, W]
layers:
  - conv: {out_channels: 6, kernel_size: 5}
  - tanh
  - conv: {out_channels: 16, kernal_size: 5}
"""


def test_the_error_of_the_language_page_is_told_so() -> None:
    with pytest.raises(SpecError) as caught:
        parse(read_bytes(EXAMPLE.encode(), "lenet5.yaml", ".yaml", DEFAULT))

    assert str(caught.value) == (
        "lenet5.yaml:6:30: error[unknown-field]: 'kernal_size' is not a field of 'conv'\n"
        "  |\n"
        "6 |   - conv: {out_channels: 16, kernal_size: 5}\n"
        "  |                              ^^^^^^^^^^^\n"
        "  = help: did you mean 'kernel_size'?"
    )


def test_all_faults_are_told_at_once_in_the_order_of_reading() -> None:
    text = (
        "name: 5\nsymbols: {H: 3}\nlet: {a: 1 +}\ndefaults: {conv: {bia: true}}\nblocks: {b: {laers: []}}\n"
        "layers: [cnv: 3, dense: 0, b, max_pool: {kernel_size: 2, stride: 0, padding: [1]}]\nfoo: 3\n"
    )

    assert set(told(text)) == {
        ("unknown-key", "foo"),
        ("not-fields", "3"),
        ("bad-expression", "1 +"),
        ("unknown-field", "bia"),
        ("missing-field", "b"),
        ("unknown-kind", "cnv"),
        ("bad-size", "0"),
        ("wrong-length", "["),
        ("bad-name", "5"),
    }
    assert len(told(text)) == 10


def test_a_spec_error_prints_every_problem() -> None:
    error = refusal("layers: [cnv: 3, dense: 0]")

    assert str(error) == "\n\n".join(str(each) for each in error.problems)
    assert [each.path for each in error.problems] == [("layers", 0, "cnv"), ("layers", 1, "dense")]


@pytest.mark.parametrize(
    ("layer", "help_"),
    [
        ("Conv2d: {out_channels: 1, kernel_size: 1}", "did you mean 'conv'?"),
        ("MaxPool2d: 2", "did you mean 'max_pool'?"),
        ("ReLU", "did you mean 'relu'?"),
        ("LeakyReLU: 0.1", "did you mean 'leaky_relu'?"),
        ("Linear: 3", "did you mean 'linear'?"),
        ("BatchNorm2d", "did you mean 'batch_norm'?"),
        ("maxpool: 2", "did you mean 'max_pool'?"),
        ("repat: {}", "did you mean 'repeat'?"),
        ("conv: {}, x: 3", None),
    ],
)
def test_kinds_that_were_probably_meant(layer: str, help_: str | None) -> None:
    found = helps(f"layers:\n  - {{{layer}}}" if ":" in layer else f"layers: [{layer}]")

    assert found == [help_ or "write '- kind', '- kind: value' or '- kind: {field: value}'"]


@pytest.mark.parametrize(
    "word",
    [each for each in FROM_ELSEWHERE if FROM_ELSEWHERE[each] in ("stride", "padding", "dilation", "groups", "bias")],
)
def test_fields_of_other_libraries_are_understood(word: str) -> None:
    assert helps(f"layers: [{CONV}, {word}: 1}}]") == [f"did you mean '{FROM_ELSEWHERE[word]}'?"]


@pytest.mark.parametrize("word", ["filters", "kernels", "channels", "out_chanels"])
def test_a_required_field_that_was_misnamed_is_one_fault(word: str) -> None:
    assert helps(f"layers: [conv: {{{word}: 4, kernel_size: 3}}]") == ["did you mean 'out_channels'?"]


def test_given_channels_are_known_already() -> None:
    assert helps(f"layers: [{CONV}, in_channels: 3}}]") == ["leave it out: the channels that arrive are known"]


def test_a_comma_inside_braces_asks_for_quotes() -> None:
    text = "layers: [conv: {out_channels: max(1, c//4), kernel_size: 1}]"

    assert told(text) == [("unclosed", "max(1")]
    assert helps(text) == ["inside { } a comma ends a plain value: quote the whole expression"]


@pytest.mark.parametrize(
    ("text", "code", "help_"),
    [
        ("convmath: 1\ninput: [3, H]\nlayers: {relu: , conv: 3}", "not-a-list", "put '- ' before each layer"),
        ("convmath: 1\ninput: [3, H]\nlayers:\n  -conv: {}\n", "not-a-list", "put '- ' before each layer"),
        ("convmath: '1'\ninput: [3, H]\nlayers: [relu]", "bad-version", "write 1 without quotes"),
        ("convmath: 2\ninput: [3, H]\nlayers: [relu]", "bad-version", "this convmath reads version 1"),
    ],
)
def test_mistakes_of_beginners_get_help(text: str, code: str, help_: str) -> None:
    [problem] = refusal("", head=text).problems

    assert (problem.code, problem.help) == (code, help_)


def test_a_faulty_input_does_not_hide_faulty_layers() -> None:
    assert told("", head="convmath: 1\ninput: 3\nlayers: relu\n") == [("not-a-shape", "3"), ("not-a-list", "relu")]


def test_problems_without_a_file_are_told_by_their_path() -> None:
    data = {"convmath": 1, "input": [1, "H"], "layers": [{"conv": {"out_channels": 0, "kernel_size": 1}}]}

    with pytest.raises(SpecError) as caught:
        parse(Document("<data>", "", data))

    assert str(caught.value) == (
        "<data>: layers[0].conv.out_channels: error[bad-size]: the number is 0, but must be 1 or more"
    )


def test_limits_are_told_with_the_flag_that_raises_them() -> None:
    with pytest.raises(LimitError, match="'repeat1' would make 1000000 layers; the limit is 100000") as caught:
        network("layers: [repeat: {times: 1000000, layers: [relu]}]")

    assert caught.value.problems[0].help == "--max-layers raises the limit"


# the whole


def test_a_bound_network_is_the_network_of_the_settings() -> None:
    text = "layers: [conv: {out_channels: 2*k, kernel_size: [k, 3], padding: [[k, 0], same]}, max_pool: k, dense: H*W]"

    left = network(text).bind({"k": 3, "H": 5, "W": 6})
    right = network(text, {"k": 3, "H": 5, "W": 6})

    assert left == right
    assert left.symbols == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [({"k": 0}, "the symbol 'k' is 0"), ({"H": 2}, "out_channels is 0"), ({"W": -1}, "'W' is -1")],
)
def test_binding_checks_every_size(values: dict[str, Value], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        network("layers: [conv: {out_channels: H - 2, kernel_size: k}]").bind(values)


def test_layers_bind_all_their_sizes() -> None:
    [found] = layers(
        "[conv: {out_channels: a, kernel_size: [b, 3], stride: c, padding: [[d, e], same], dilation: f, groups: g}]"
    )
    values = dict(zip("abcdefg", range(1, 8), strict=True))

    bound: Layer = found.bind(values)

    assert {name for name, _, _ in bound.sizes()} == {
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
    }
    assert [bind(held, values) for _, held, _ in found.sizes()] == [held for _, held, _ in bound.sizes()]
    assert all(isinstance(held, int) for _, held, _ in bound.sizes())
