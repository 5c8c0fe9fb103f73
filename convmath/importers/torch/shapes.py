"""What moves elements, as functions and methods of PyTorch: shapes, orders of axes, parts, borders."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite
from typing import Any

import torch

from convmath.formula import Formula, Value, floor_of
from convmath.importers import moves
from convmath.importers.arithmetic import resize
from convmath.importers.factors import meant
from convmath.importers.layers import image
from convmath.importers.tensor import BATCH, Constant, Tensor, Unsupported
from convmath.importers.torch.calls import FUNCTIONS, Call, a_map, numbers
from convmath.spec.reshape import Dropout, Identity
from convmath.spec.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle


def _listed(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what is given as ``view(a, b)`` or as ``view((a, b))``."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], tuple | list) else given


WHOLE = ("int", "uint", "bool", "long", "short", "Int", "Long", "Short", "Byte", "Char", "Bool")
"""What names of types begin with that hold whole numbers."""


@FUNCTIONS("contiguous", "to", "float", "double", "half", "bfloat16", "type_as", "clone", "detach", "cpu", "cuda")
@FUNCTIONS("type", "requires_grad_", "_to_copy", "alias", "lift_fresh_copy", "detach_", "_assert_tensor_metadata")
def _same(call: Call, input: Any, *args: Any, **kwargs: Any) -> Tensor | Constant:
    """Add nothing: what arrives goes on; numbers of the module, where it is brought to the type of a map."""
    del call
    if isinstance(input, Constant):
        return input
    for each in (*args, *kwargs.values()):
        told = str(getattr(each, "__name__", each)).split(".")[-1]
        if isinstance(each, torch.dtype | type | str) and told.startswith(WHOLE):
            raise Unsupported(f"it makes whole numbers of a map, of the type {told}; no layer of convmath rounds")
    return a_map(input)


@FUNCTIONS("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout")
@FUNCTIONS("feature_alpha_dropout", "dropout_")
def dropout(
    call: Call,
    input: Any,
    p: float = 0.5,
    training: Any = True,  # noqa: FBT002
    inplace: Any = False,  # noqa: FBT002
) -> Tensor:
    """Add a dropout, which costs nothing when the model is used."""
    del training, inplace
    return call.sketch.layer(call.name, Dropout(p=float(p)), a_map(input))


@FUNCTIONS("stochastic_depth", "drop_block2d", "drop_block3d")
def identity(call: Call, input: Any, *args: Any, **kwargs: Any) -> Tensor:
    """Add what does nothing when the model is used."""
    del args, kwargs
    return call.sketch.layer(call.name, Identity(), a_map(input))


@FUNCTIONS("flatten")
def flatten(call: Call, input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Write several axes as one."""
    return moves.flatten(call.sketch, call.name, a_map(input), start_dim, end_dim)


@FUNCTIONS("unflatten")
def unflatten(call: Call, input: Any, dim: int, sizes: Any) -> Tensor:
    """Write one axis as several."""
    x = a_map(input)
    at = x.at(dim)
    parts = tuple(sizes)
    if parts and isinstance(parts[0], tuple | list):
        parts = tuple(size for _, size in parts)
    if -1 in parts:
        whole, rest = x.dims[at], 1
        for each in parts:
            rest *= 1 if each == -1 else each
        if not isinstance(whole, int) or whole % rest:
            raise Unsupported(f"{parts} do not make an axis of {whole}")
        parts = tuple(whole // rest if each == -1 else each for each in parts)
    return moves.reshape(call.sketch, call.name, x, (*x.dims[:at], *parts, *x.dims[at + 1 :]))


@FUNCTIONS("view", "reshape", "_unsafe_view")
def reshape(call: Call, input: Any, *shape: Any) -> Tensor:
    """Write the same elements in another shape."""
    return moves.reshape(call.sketch, call.name, a_map(input), _sizes(_listed(shape)))


@FUNCTIONS("view_as", "reshape_as")
def _reshape_as(call: Call, input: Any, other: Any) -> Tensor:
    return moves.reshape(call.sketch, call.name, a_map(input), a_map(other).dims)


def _sizes(given: Sequence[Any]) -> tuple[Value, ...]:
    if not all(isinstance(each, int | Formula) for each in given):
        raise Unsupported(f"{list(given)!r} are no sizes")
    return tuple(given)


@FUNCTIONS("permute")
def permute(call: Call, input: Any, *dims: Any) -> Tensor:
    """Put the axes in another order."""
    del call
    return moves.transpose(a_map(input), _listed(dims))


@FUNCTIONS("transpose", "swapaxes", "swapdims")
def transpose(call: Call, input: Any, dim0: int, dim1: int) -> Tensor:
    """Let two axes change places."""
    del call
    x = a_map(input)
    order = list(range(len(x.dims)))
    one, two = x.at(dim0), x.at(dim1)
    order[one], order[two] = two, one
    return moves.transpose(x, order)


@FUNCTIONS("movedim", "moveaxis")
def _movedim(call: Call, input: Any, source: Any, destination: Any) -> Tensor:
    del call
    x = a_map(input)
    sources = [x.at(each) for each in (source if isinstance(source, tuple | list) else (source,))]
    places = [x.at(each) for each in (destination if isinstance(destination, tuple | list) else (destination,))]
    order: list[int] = [-1] * len(x.dims)
    for one, two in zip(sources, places, strict=True):
        order[two] = one
    rest = iter(at for at in range(len(x.dims)) if at not in sources)
    return moves.transpose(x, [next(rest) if each < 0 else each for each in order])


@FUNCTIONS("squeeze")
def squeeze(call: Call, input: Any, dim: Any = None) -> Tensor:
    """Leave out axes of size 1."""
    axes = dim if dim is None or isinstance(dim, tuple | list) else (dim,)
    return moves.squeeze(call.sketch, call.name, a_map(input), axes)


@FUNCTIONS("unsqueeze")
def unsqueeze(call: Call, input: Any, dim: int) -> Tensor:
    """Put an axis of size 1 in."""
    return moves.unsqueeze(call.sketch, call.name, a_map(input), (dim,))


@FUNCTIONS("cat", "concat", "concatenate")
def concat(call: Call, tensors: Any, dim: int = 0, axis: int | None = None) -> Tensor:
    """Put maps behind one another."""
    if any(isinstance(each, Constant) for each in tensors):
        zeros = all(each.made == 0 for each in tensors if isinstance(each, Constant))
        raise Unsupported(f"it puts {'zeros' if zeros else 'numbers'} beside a map; no layer of convmath does that")
    return moves.concat(call.sketch, call.name, [a_map(each) for each in tensors], dim if axis is None else axis)


@FUNCTIONS("stack")
def stack(call: Call, tensors: Any, dim: int = 0) -> Tensor:
    """Put maps of one channel behind one another, along an axis of their own."""
    if dim in (0, *(-len(a_map(each).dims) - 1 for each in tensors)):
        raise Unsupported("it puts maps behind one another along an axis before the batch; only channels can be joined")
    parts = [moves.unsqueeze(call.sketch, f"{call.name}.unsqueeze", a_map(each), (dim,)) for each in tensors]
    return moves.concat(call.sketch, call.name, parts, dim)


@FUNCTIONS("unbind")
def unbind(call: Call, input: Any, dim: int = 0) -> list[Tensor]:
    """Keep every place of an axis on its own."""
    x = a_map(input)
    count = x.dims[x.at(dim)]
    if not isinstance(count, int):
        raise Unsupported(f"it takes an axis of {count} apart")
    return [select(call, x, dim, at) for at in range(count)]


@FUNCTIONS("chunk")
def chunk(call: Call, input: Any, chunks: int, dim: int = 0) -> list[Tensor]:
    """Cut a map into so many parts, the last perhaps smaller."""
    x = a_map(input)
    size = x.dims[x.at(dim)]
    if not isinstance(size, int):
        raise Unsupported(f"an axis of {size} is cut into {chunks} parts")
    return split(call, x, -(-size // chunks), dim)


@FUNCTIONS("split", "split_with_sizes", "unsafe_split", "unsafe_chunk")
def split(call: Call, input: Any, split_size: Any, dim: int = 0) -> list[Tensor]:
    """Cut a map into parts of a size, or of several."""
    x = a_map(input)
    size = x.dims[x.at(dim)]
    if isinstance(split_size, int) and isinstance(size, int):
        lengths: list[Any] = [split_size] * (size // split_size)
        lengths += [size % split_size] if size % split_size else []
    elif isinstance(split_size, tuple | list):
        lengths = list(split_size)
    else:
        raise Unsupported(f"an axis of {size} is cut into parts of {split_size}")
    return moves.split(call.sketch, call.name, x, dim, lengths)


@FUNCTIONS("narrow")
def narrow(call: Call, input: Any, dim: int, start: Any, length: Any) -> Tensor:
    """Keep a part of an axis."""
    return moves.slices(call.sketch, call.name, a_map(input), dim, start, start + length)


@FUNCTIONS("slice")
def _slice(call: Call, input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Tensor:
    return moves.slices(call.sketch, call.name, a_map(input), dim, 0 if start is None else start, end, step)


@FUNCTIONS("select")
def select(call: Call, input: Any, dim: int, index: Any) -> Tensor:
    """Keep one place of an axis, and leave the axis out."""
    x = a_map(input)
    stop = None if index == -1 else index + 1
    kept = moves.slices(call.sketch, call.name, x, dim, index, stop)
    return moves.squeeze(call.sketch, f"{call.name}.squeeze", kept, (x.at(dim),))


@FUNCTIONS("getitem", "__getitem__")
def getitem(call: Call, input: Any, index: Any) -> Any:
    """Keep what ``x[…]`` keeps."""
    if isinstance(input, tuple | list | dict):
        return input[index]
    x = a_map(input)
    entries = list(index) if isinstance(index, tuple) else [index]
    if contains_other(entries):
        raise Unsupported("it takes elements by a list of places or a mask")
    given = sum(each is not None and each is not Ellipsis for each in entries)
    if Ellipsis in entries:
        at = entries.index(Ellipsis)
        entries[at : at + 1] = [slice(None)] * (len(x.dims) - given)
    dropped: list[int] = []
    put_in: list[int] = []
    axis = 0
    for place, each in enumerate(entries):
        if each is None:
            put_in.append(place - len(dropped))
            continue
        if isinstance(each, slice):
            x = moves.slices(
                call.sketch, call.name, x, axis, 0 if each.start is None else each.start, each.stop, each.step or 1
            )
        else:
            x = moves.slices(call.sketch, call.name, x, axis, each, None if each == -1 else each + 1)
            dropped.append(axis)
        axis += 1
    if dropped:
        x = moves.squeeze(call.sketch, f"{call.name}.squeeze", x, dropped)
    return moves.unsqueeze(call.sketch, f"{call.name}.unsqueeze", x, put_in) if put_in else x


def contains_other(entries: Sequence[Any]) -> bool:
    """Tell whether an index has entries that are neither numbers nor slices."""
    return not all(
        each is None or each is Ellipsis or isinstance(each, slice | Formula) or type(each) is int for each in entries
    )


@FUNCTIONS("pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
@FUNCTIONS("replication_pad1d", "replication_pad2d", "replication_pad3d")
def pad(call: Call, input: Any, pad: Any, mode: Any = "constant", value: Any = None) -> Tensor:
    """Add elements around a map, the last axis first."""
    if call.operator == "constant_pad_nd":
        mode, value = "constant", None if mode == "constant" else mode
    mode = {"reflection": "reflect", "replication": "replicate"}.get(call.operator.split("_")[0], mode)
    if mode == "constant" and value not in (None, 0):
        raise Unsupported(f"it pads with {value}; only zeros can be put around a map")
    x = a_map(input)
    held = tuple(pad)
    pairs: list[tuple[Value, Value]] = [(0, 0)] * len(x.dims)
    for at in range(len(held) // 2):
        pairs[len(x.dims) - 1 - at] = (held[2 * at], held[2 * at + 1])
    return moves.pad(call.sketch, call.name, x, pairs, "zeros" if mode == "constant" else mode)


MODES = {
    "nearest": "nearest",
    "linear": "bilinear",
    "bilinear": "bilinear",
    "trilinear": "bilinear",
}


@FUNCTIONS("interpolate", "upsample")
def interpolate(
    call: Call,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: Any = False,  # noqa: FBT002
) -> Tensor:
    """Resize a map to a size or by factors; with factors worked out anew only the size comes from those given."""
    x = image(a_map(input))
    if mode not in MODES or antialias:
        raise Unsupported(f"it resizes in the mode {mode}{', against aliases' if antialias else ''}")
    rank = len(x.shape.sizes)
    if size is not None:
        wanted = tuple(size) if isinstance(size, tuple | list) else (size,) * rank
        given: dict[str, Any] = {"size": _sizes(wanted)}
    else:
        held = tuple(scale_factor) if isinstance(scale_factor, tuple | list) else (scale_factor,) * rank
        copies = mode != "nearest" or rank == 2
        given = _enlarged(x, tuple(map(float, held)), anew=bool(recompute_scale_factor), copies=copies)
    return resize(call.sketch, call.name, x, mode=MODES[mode], align_corners=bool(align_corners), **given)


def _enlarged(x: Tensor, given: tuple[float, ...], *, anew: bool, copies: bool) -> dict[str, Any]:
    """Return the factors that are given, or the size that they make of a map when factors are worked out *anew*.

    PyTorch multiplies a size and a factor with rounding, which makes 114 of 50 by 2.3. Where it *copies*
    an axis whose size stays, the factor is 1; the nearest elements of one axis or three it takes by the factor.
    """
    if not all(isfinite(each) and each > 0 for each in given):
        raise Unsupported(f"it enlarges by {', '.join(map(str, given))}; a factor is above 0")
    factors = tuple(meant(each, "d") for each in given)
    made = tuple(floor_of(size * factor) for size, factor in zip(x.shape.sizes, factors, strict=True))
    rounded = tuple(
        floor(size * factor) if isinstance(size, int) else exact
        for size, factor, exact in zip(x.shape.sizes, given, made, strict=True)
    )
    if anew and not all(isinstance(each, int) for each in factors):
        return {"size": rounded}
    if rounded != made:
        raise Unsupported(
            f"PyTorch rounds, and makes {rounded} of {x.shape.sizes} by {given}, not {made}; give it a size"
        )
    kept = zip(x.shape.sizes, made, factors, strict=True)
    stays = [copies and size == new and isinstance(size, int) for size, new, _ in kept]
    return {"factor": tuple(1 if same else factor for same, factor in zip(stays, factors, strict=True))}


@FUNCTIONS("pixel_shuffle")
def pixel_shuffle(call: Call, input: Any, upscale_factor: int) -> Tensor:
    """Write channels as pixels."""
    x = image(a_map(input))
    return call.sketch.layer(call.name, PixelShuffle(upscale_factor=numbers(upscale_factor, 2)), x)


@FUNCTIONS("pixel_unshuffle")
def pixel_unshuffle(call: Call, input: Any, downscale_factor: int) -> Tensor:
    """Write pixels as channels."""
    x = image(a_map(input))
    return call.sketch.layer(call.name, PixelUnshuffle(downscale_factor=numbers(downscale_factor, 2)), x)


@FUNCTIONS("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(call: Call, input: Any, groups: int) -> Tensor:
    """Take a channel of each group in turn."""
    return call.sketch.layer(call.name, ChannelShuffle(groups=groups), image(a_map(input)))


@FUNCTIONS("size", "sym_size")
def size(call: Call, input: Any, dim: Any = None) -> Any:
    """Return the shape, or the size of an axis."""
    del call
    dims = input.shape if isinstance(input, Constant) else a_map(input).dims
    return tuple(dims) if dim is None else dims[dim]


@FUNCTIONS("dim", "ndimension")
def _dim(call: Call, input: Any) -> int:
    del call
    return len(a_map(input).dims)


@FUNCTIONS("numel", "nelement")
def _numel(call: Call, input: Any) -> Any:
    del call
    count: Value = 1
    for each in a_map(input).dims:
        count = count * each
    return count


@FUNCTIONS("expand", "expand_as", "repeat", "broadcast_to")
def _expand(call: Call, input: Any, *shape: Any) -> Tensor:
    x = a_map(input)
    given = _listed(shape)
    wanted = given[0].dims if len(given) == 1 and isinstance(given[0], Tensor) else given
    if call.operator == "repeat" and all(each == 1 for each in wanted):
        return x
    if call.operator == "repeat" or len(wanted) != len(x.dims) or not x.is_plain:
        raise Unsupported("it repeats a map")
    sizes = tuple(old if new == -1 else new for new, old in zip(wanted, x.dims, strict=True))
    if sizes[:2] != x.dims[:2] or x.axes[0] != BATCH:
        raise Unsupported("it repeats the batch or the channels")
    return x if sizes == x.dims else resize(call.sketch, call.name, x, size=sizes[2:])
