"""The tables: what each counter counts of which kind, found in its source and measured against it.

The documentation has them in words; tests hold every entry against the counter itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from convmath.counters.counting import (
    Counter,
    Entries,
    Entry,
    Measure,
    Site,
    affine,
    biases,
    macs,
    made,
    nothing,
    on_images,
    params,
    plain,
    read,
)
from convmath.formula import Value, product_of
from convmath.spec.conv import Conv
from convmath.spec.deformable import DeformableConv
from convmath.spec.layer import Layer
from convmath.spec.opaque import Opaque

BIAS: Entries = (Entry("1 per output, for the bias", biases),)
TWICE = "the module is counted, and then the function that it calls"


def _unknown(layer: Layer) -> str | None:
    """Return why a counter, which runs a module of PyTorch, has no number for a layer."""
    if isinstance(layer, Opaque):
        return "nobody knows what is inside"
    if not layer.meaning.torch:
        return "PyTorch has no such module"
    if isinstance(layer, Conv) and layer.shared:
        return "PyTorch has no convolution whose groups share their kernels"
    if isinstance(layer, DeformableConv) and len(layer.kernel_size) != 2:
        return "PyTorch has deformable convolutions for images only"
    return None


def _norms(with_scale: int, without: int) -> Entries:
    return (
        Entry(f"{with_scale} per element", read(with_scale), when=affine),
        Entry(f"{without} per element, without scale and shift", read(without), when=plain),
    )


def _weights(site: Site) -> Value:
    """Return the weights of a transposed convolution, multiplied with the positions of the output."""
    weights: Value = site.params - (site.leaving[0] if site.layer.bias else 0)
    return weights * site.positions


def _own_taps(site: Site) -> Value:
    """Return the MACs of a deformable convolution without those of the layer that predicts its offsets."""
    if site.layer.offsets == "learned":
        return site.macs
    return site.macs - _offsets(site) * site.arriving[0][0] * product_of(site.layer.kernel_size) * site.positions


def _offsets(site: Site) -> Value:
    """Return how many numbers move, and weigh, the taps of one window."""
    numbers: Value = site.rank + site.layer.modulated
    return product_of((site.layer.offset_groups, *site.layer.kernel_size)) * numbers


def _deformed_biases(site: Site) -> Value:
    return biases(site) + _offset_biases(site)


def _offset_biases(site: Site) -> Value:
    return _offsets(site) * site.positions if site.layer.offsets == "predicted" else 0


def _sampling(site: Site) -> Value:
    return product_of(site.layer.kernel_size) * site.positions * (25 if site.layer.modulated else 24)


def _normalised_windows(site: Site) -> Value:
    """Return what ``local_response_norm`` of PyTorch calls: three products or sums, and a pooling over channels."""
    channels, *sizes = site.arriving[0]
    padded: Value = channels + site.layer.size - 1
    return (3 * channels + padded) * product_of(sizes)


def _additions(site: Site) -> Value:
    return site.operations.additions


def _products(site: Site) -> Value:
    return site.operations.elementwise


def _billions(total: int) -> str:
    return f"{round(total / 1e9, 3)} billion"


def _torchinfo_text(total: int) -> str:
    unit, size = next((each for each in (("T", 1e12), ("G", 1e9)) if total >= each[1]), ("M", 1e6))
    shown = total / size
    return f"{int(shown):,d} ({unit})" if shown.is_integer() else f"{shown:,.2f} ({unit})"


def _ptflops_text(total: int) -> str:
    for unit, size in (("GMac", 10**9), ("MMac", 10**6), ("KMac", 10**3)):
        if total // size:
            return f"{round(total / float(size), 2)} {unit}"
    return f"{total} Mac"


TORCHVISION = Counter(
    name="torchvision",
    version="0.28.0",
    call='Weights.meta["_ops"]',
    prints=_billions,
)

FVCORE = Counter(
    name="fvcore",
    version="0.1.5.post20221221",
    call="FlopCountAnalysis(model, x).total()",
    prints=str,
    unknown=_unknown,
    unused=(Entry("left out, since no output depends on it", nothing, instead=True),),
    table={
        "batch_norm": _norms(2, 1),
        "batch_norm:instance": _norms(5, 4),
        "layer_norm": _norms(5, 4),
        "group_norm": _norms(5, 4),
        "instance_norm": _norms(5, 4),
        "adaptive_avg_pool": (Entry("1 per element that arrives", read(1), when=on_images),),
        "adaptive_avg_pool:mean": (),
        "upsample": (
            Entry("1 per output, nearest", made(1), when=lambda site: on_images(site) and site.layer.mode == "nearest"),
            Entry(
                "4 per output, bilinear", made(4), when=lambda site: on_images(site) and site.layer.mode == "bilinear"
            ),
        ),
        "conv:same": (
            Entry(
                "left out",
                nothing,
                instead=True,
                fault="it does not know the operator that padding='same' calls",
                right=macs,
            ),
        ),
        "deformable_conv": (
            Entry(
                "left out, but for what predicts the offsets",
                lambda site: site.macs - _own_taps(site),
                instead=True,
                fault="it does not know the operator",
                right=macs,
            ),
        ),
    },
)

TORCHINFO = Counter(
    name="torchinfo",
    version="1.8.0",
    call="summary(model, input_size).total_mult_adds",
    prints=_torchinfo_text,
    unknown=_unknown,
    table={
        "conv": BIAS,
        "conv:linear": (
            Entry(
                "each weight and bias once",
                params,
                instead=True,
                fault="a Linear over many positions is counted as if there were one",
                right=macs,
            ),
        ),
        "dense": BIAS,
        "deformable_conv": (Entry("1 per output, for the bias", _deformed_biases),),
        "conv_transpose": (
            Entry(
                "weights times the output's positions",
                _weights,
                instead=True,
                fault="a transposed convolution multiplies each weight with every position of its input",
                right=macs,
            ),
            *BIAS,
        ),
        **dict.fromkeys(
            ("batch_norm", "layer_norm", "group_norm", "instance_norm", "prelu"), (Entry("1 per parameter", params),)
        ),
    },
)


def _twice(measure: Measure, once: Measure, what: str) -> Entries:
    return (Entry(f"2 per {what}", measure, fault=TWICE, right=once),)


ARRIVING = _twice(read(2), read(1), "element that arrives")
ONCE: Entries = (Entry("1 per element that arrives", read(1)),)


def _called(kinds: tuple[str, ...], module: Entries, functional: Entries) -> Mapping[str, Entries]:
    found = dict.fromkeys(kinds, module)
    return found | {f"{kind}:functional": functional for kind in kinds}


SKIPPED: Entries = (
    Entry("left out", nothing, instead=True, fault="it knows a class of torch.nn, but none made from it", right=macs),
)

PTFLOPS = Counter(
    name="ptflops",
    version="0.7.5",
    call="get_model_complexity_info(model, shape, as_strings=False)",
    prints=_ptflops_text,
    unknown=_unknown,
    table={
        **dict.fromkeys(("conv", "conv_transpose", "dense"), BIAS),
        **dict.fromkeys(("conv:subclass", "conv_transpose:subclass", "dense:subclass"), SKIPPED),
        "deformable_conv": (
            Entry("1 per output, for the bias", _deformed_biases),
            Entry("24 per tap and position for sampling, 25 if modulated", _sampling),
        ),
        **_called(("relu", "prelu", "elu", "gelu"), ARRIVING, ONCE),
        **dict.fromkeys(("relu6", "silu", "softmax"), ONCE),
        **_called(("leaky_relu",), ONCE, ()),
        **{f"{kind}:tensor": () for kind in ("relu", "prelu", "softmax")},
        **_called(("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool"), ARRIVING, ONCE),
        "adaptive_avg_pool:mean": (),
        "adaptive_max_pool:amax": (),
        "lp_pool": (
            Entry("1 per element that arrives", read(1)),
            Entry("2 per output, a relu and a product", made(2)),
        ),
        **_called(("batch_norm", "group_norm", "instance_norm"), _norms(2, 1), ()),
        **_called(("layer_norm",), (Entry("1 per element", read(1)),), ()),
        "local_response_norm": (Entry("3 per element, and 1 per element of the padded squares", _normalised_windows),),
        **_called(("upsample",), _twice(made(2), made(1), "output"), (Entry("1 per output", made(1)),)),
        "add:function": (Entry("1 per sum", _additions),),
        "multiply:function": (Entry("1 per product", _products),),
        "scale:function": (Entry("1 per product", _products),),
        "bias:function": (Entry("1 per sum", _additions),),
    },
)

PTFLOPS_ATEN = Counter(
    name="ptflops-aten",
    version="0.7.5",
    call="get_model_complexity_info(model, shape, as_strings=False, backend='aten')",
    prints=_ptflops_text,
    unknown=_unknown,
    table={
        **dict.fromkeys(("conv", "conv_transpose", "dense"), BIAS),
        "deformable_conv": (
            Entry(
                "left out, but for what predicts the offsets",
                lambda site: site.macs - _own_taps(site),
                instead=True,
                fault="it does not know the operator",
                right=macs,
            ),
            Entry("1 per offset, for the bias of what predicts them", _offset_biases),
        ),
    },
)

COUNTERS: Mapping[str, Counter] = {each.name: each for each in (TORCHVISION, FVCORE, TORCHINFO, PTFLOPS, PTFLOPS_ATEN)}
