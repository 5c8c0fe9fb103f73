"""What moves elements: axes in another order, other shapes, parts, borders, maps side by side."""

from __future__ import annotations

from collections.abc import Sequence

from convmath.formula import Formula, Value, bind, floor_of, product_of, ratio
from convmath.importers.sketch import Sketch
from convmath.importers.tensor import BATCH, BATCH_SIZE, CHANNELS, Axis, Tensor, Unsupported
from convmath.spec.merge import Concat
from convmath.spec.pool import MaxPool
from convmath.spec.reshape import Crop, Flatten, Padding, Reshape, SliceChannels
from convmath.spec.shuffle import ChannelShuffle, PixelShuffle, PixelUnshuffle

FAR = (1 << 31) - 1
"""From here on the end of a slice means the end of the axis."""
ROUND = 2**6 * 3**3 * 5**2 * 7
"""A size that every usual factor divides."""


def transpose(x: Tensor, order: Sequence[int]) -> Tensor:
    """Return the map with its axes in another order; no element moves in the network."""
    places = [x.at(axis) for axis in order]
    if sorted(places) != list(range(len(x.dims))):
        raise Unsupported(f"{list(order)} is no order of {len(x.dims)} axes")
    axes, dims = tuple(x.axes[at] for at in places), tuple(x.dims[at] for at in places)
    return Tensor(x.producer, x.shape, axes, dims)


def plain(x: Tensor) -> Tensor:
    """Return the map if its axes are batch, channels and space, in this order."""
    if not x.is_plain:
        raise Unsupported(f"the axes of the map are in the order {x.order}")
    return x


def flatten(sketch: Sketch, name: str, x: Tensor, start: int = 1, end: int = -1) -> Tensor:
    """Add what writes the axes from *start* to *end* as one."""
    first, last = x.at(start), x.at(end)
    if first == last:
        return x
    joined = product_of(x.dims[first : last + 1])
    return reshape(sketch, name, x, (*x.dims[:first], joined, *x.dims[last + 1 :]))


def reshape(sketch: Sketch, name: str, x: Tensor, target: Sequence[Value]) -> Tensor:
    """Add what writes the same elements in another shape; -1 stands for what is left.

    Channels in groups that only change their order make a channel shuffle, as
    ShuffleNet's; parts of channels that become pixels a pixel shuffle.
    """
    dims = resolved(x, sketch.batched(target) if x.dims[0] == BATCH_SIZE else tuple(target))
    if dims == x.dims:
        return x
    if dims[:1] != (BATCH_SIZE,) or x.axes[0] != BATCH or len(dims) == 1:
        raise Unsupported(f"the batch of a map of {x} becomes part of another axis, in {_shown(dims)}")
    if x.is_hidden:
        x = Tensor.plain(x.producer, x.shape)
        return x if dims == x.dims else _written(sketch, name, x, dims)
    if not x.is_plain:
        return _flat(sketch, name, x) if len(dims) == 2 and _is_last(x) else _joined(sketch, name, x, dims)
    sizes = x.shape.sizes
    if len(dims) == 2:
        return sketch.layer(name, Flatten(), x) if sizes else x
    if sizes and dims[-len(sizes) :] == sizes and len(dims) > len(x.dims):
        parts = dims[1 : len(dims) - len(sizes)]
        axes: tuple[Axis, ...] = (BATCH, *((1, at) for at in range(len(parts))), *x.axes[2:])
        return Tensor(x.producer, x.shape, axes, dims)
    return _written(sketch, name, x, dims)


def _written(sketch: Sketch, name: str, x: Tensor, dims: tuple[Value, ...]) -> Tensor:
    return sketch.layer(name, Reshape(shape=dims[1:]), Tensor.plain(x.producer, x.shape))


def resolved(x: Tensor, dims: tuple[Value, ...]) -> tuple[Value, ...]:
    """Return the shape that is meant, with what -1 stands for."""
    if any(isinstance(each, int) and each < -1 for each in dims) or dims.count(-1) > 1 or {-1, 0} <= {*dims}:
        raise Unsupported(f"{_shown(dims)} is no shape")
    if -1 in dims:
        rest = ratio(product_of(x.dims), product_of(each for each in dims if each != -1))
        if dims[0] == -1 and rest != BATCH_SIZE and x.axes[0] == BATCH and _agree(dims[1:], x.dims[1:]):
            rest = BATCH_SIZE
        dims = tuple(rest if each == -1 else each for each in dims)
    if product_of(dims) != product_of(x.dims) and not _open(dims, x.dims):
        raise Unsupported(f"{_shown(dims)} has not as many elements as {x}")
    return dims


def _open(one: tuple[Value, ...], two: tuple[Value, ...]) -> bool:
    """Tell whether the number of elements depends on symbols, so that a condition may settle it."""
    return any(isinstance(each, Formula) and each != BATCH_SIZE for each in (*one, *two))


def _agree(one: tuple[Value, ...], two: tuple[Value, ...]) -> bool:
    """Tell whether shapes have equally many elements where all divisions of sizes come out even."""
    counts = [product_of(one), product_of(two)]
    symbols = {name for each in counts if isinstance(each, Formula) for name in each.names}
    even = [bind(each, dict.fromkeys(symbols, ROUND)) for each in counts]
    return even[0] == even[1]


def _shown(dims: Sequence[Value]) -> str:
    return f"[{', '.join('batch' if each == BATCH_SIZE else str(each) for each in dims)}]"


def _is_last(x: Tensor) -> bool:
    """Tell whether all that differs from a plain map is that channels stand last."""
    return x.axes == (BATCH, *((2 + at, 0) for at in range(len(x.shape.sizes))), CHANNELS)


def _flat(sketch: Sketch, name: str, x: Tensor) -> Tensor:
    """Add what writes a map of channels last as a vector, in which the channels of each position stand together."""
    vector = sketch.layer(name, Flatten(), Tensor.plain(x.producer, x.shape))
    return sketch.layer(f"{name}.order", ChannelShuffle(groups=x.shape.channels), vector)


def _joined(sketch: Sketch, name: str, x: Tensor, dims: tuple[Value, ...]) -> Tensor:
    """Return the map whose parts of axes are joined again, as *dims* has them."""
    unshuffled = _unshuffled(sketch, name, x, dims)
    if unshuffled is not None:
        return unshuffled
    groups = _together(x, dims)
    flat = [axis for group in groups for axis in group]
    parts = dict(zip(x.axes, x.dims, strict=True))
    source = Tensor.plain(x.producer, x.shape)
    if groups[0] != [BATCH] or len(flat) != len(x.axes):
        raise Unsupported(f"the axes {x.order} cannot be joined to {_shown(dims)}")
    space = [[(2 + at, 0)] for at in range(len(x.shape.sizes))]
    channels = sorted(axis for axis in x.axes if axis[0] == CHANNELS[0])
    if groups[1] == channels and groups[2:] == space:
        return source
    if len(channels) == 2 and groups[1] == channels[::-1] and groups[2:] == space:
        return sketch.layer(name, ChannelShuffle(groups=parts[channels[0]]), source)
    rank = len(space)
    if len(channels) == rank + 1 and groups[1:] == [
        [channels[0]],
        *map(list, zip([a for [a] in space], channels[1:], strict=True)),
    ]:
        factors = tuple(parts[axis] for axis in channels[1:])
        return sketch.layer(name, PixelShuffle(upscale_factor=factors), source)
    if len(channels) == rank + 1 and groups[1:] == [
        [channels[-1]],
        *map(list, zip([a for [a] in space], channels[:-1], strict=True)),
    ]:
        factors = tuple(parts[axis] for axis in channels[:-1])
        turned = sketch.layer(f"{name}.order", ChannelShuffle(groups=product_of(factors)), source)
        return sketch.layer(name, PixelShuffle(upscale_factor=factors), turned)
    raise Unsupported(f"the axes {x.order} of a map of {x} cannot be written as {_shown(dims)}")


def _unshuffled(sketch: Sketch, name: str, x: Tensor, dims: tuple[Value, ...]) -> Tensor | None:
    """Return the pixel unshuffle of a map whose axes of space were cut in two, the inner parts now channels."""
    whole, cut = [(2 + at, 0) for at in range(0, len(x.shape.sizes), 2)], x.shape.sizes[1::2]
    parts = [(3 + at, 0) for at in range(0, 2 * len(cut), 2)]
    rank, sizes = len(whole), x.shape.sizes[::2]
    behind = x.axes == (BATCH, CHANNELS, *parts, *whole)
    if not rank or not (behind or x.axes == (BATCH, *parts, CHANNELS, *whole)):
        return None
    channels = x.shape.channels * product_of(cut)
    if len(cut) != rank or dims != (BATCH_SIZE, channels, *(1,) * (len(dims) - rank - 2), *sizes):
        return None
    for source in sketch.unwritten(x):
        if source.shape.channels == x.shape.channels and len(source.shape.sizes) == rank:
            pairs = list(zip(source.shape.sizes, cut, sizes, strict=True))
            if not all(size in (ratio(old, factor), floor_of(old, factor)) for old, factor, size in pairs):
                continue
            made = sketch.layer(name if behind else f"{name}.pixels", PixelUnshuffle(downscale_factor=cut), source)
            if not behind:
                made = sketch.layer(name, ChannelShuffle(groups=source.shape.channels), made)
            held = (1,) * (len(dims) - rank - 2)  # axes that an exporter puts in and takes out again
            axes = (BATCH, *((1, at) for at in range(len(held) + 1)), *made.axes[2:])
            return Tensor(made.producer, made.shape, axes, (BATCH_SIZE, channels, *held, *made.shape.sizes))
    return None


def _together(x: Tensor, dims: tuple[Value, ...]) -> list[list[Axis]]:
    """Return which axes of the map stand together in each axis of *dims*."""
    groups: list[list[Axis]] = []
    left = list(zip(x.axes, x.dims, strict=True))
    for size in dims:
        group: list[Axis] = []
        have: Value = 1
        while left and (not group or have != size):
            axis, part = left.pop(0)
            group.append(axis)
            have = have * part
        if have != size:
            raise Unsupported(f"the axes {x.order} of a map of {x} cannot be written as {_shown(dims)}")
        groups.append(group)
    for axis, part in left:
        if part != 1:
            raise Unsupported(f"the axes {x.order} of a map of {x} cannot be written as {_shown(dims)}")
        groups[-1].append(axis)
    return groups


def squeeze(sketch: Sketch, name: str, x: Tensor, axes: Sequence[int] | None) -> Tensor:
    """Add what leaves out axes of size 1; all of them without *axes*."""
    if axes is None:
        places = [at for at, size in enumerate(x.dims) if size == 1]
    else:
        places = [at for at in map(x.at, axes) if x.dims[at] == 1]
    if any(isinstance(x.dims[x.at(axis)], Formula) for axis in axes or ()):
        raise Unsupported(f"an axis of a map of {x} is squeezed, but its size is no number")
    dims = tuple(size for at, size in enumerate(x.dims) if at not in places)
    if places == [1] and x.is_plain and len(x.shape.sizes) > 1:  # else a height would pass for channels
        return Tensor(x.producer, x.shape, (x.axes[0], *x.axes[2:]), dims)
    return reshape(sketch, name, _without_ones(x, places), dims) if places else x


def _without_ones(x: Tensor, places: Sequence[int]) -> Tensor:
    """Return a map whose axes of size 1 stand wherever that makes it plain: they hold no order."""
    kept = [axis for at, axis in enumerate(x.axes) if at not in places]
    if x.is_plain or kept != sorted(kept):
        return x
    return Tensor.plain(x.producer, x.shape)


def unsqueeze(sketch: Sketch, name: str, x: Tensor, axes: Sequence[int]) -> Tensor:
    """Add what puts axes of size 1 in."""
    rank = len(x.dims) + len(axes)
    places = {axis % rank for axis in axes if -rank <= axis < rank}
    if len(places) != len(axes):
        raise Unsupported(f"{list(axes)} are not {len(axes)} different axes of {rank}")
    if x.is_hidden and len(places) == 1:
        [at] = places
        order = (*x.axes[:at], CHANNELS, *x.axes[at:])
        return Tensor(x.producer, x.shape, order, (*x.dims[:at], 1, *x.dims[at:]))
    rest = iter(x.dims)
    dims = tuple(1 if at in places else next(rest) for at in range(rank))
    return _written(sketch, name, x, dims) if x.is_plain and 0 not in places else reshape(sketch, name, x, dims)


def concat(sketch: Sketch, name: str, parts: Sequence[Tensor], axis: int) -> Tensor:
    """Add what puts the channels of maps behind one another."""
    first = parts[0]
    if any(each.axes != first.axes for each in parts):
        raise Unsupported(f"maps of {', '.join(map(str, parts))} hold their axes in different orders")
    if len(parts) == 1:
        return first
    if first.logical(axis) != CHANNELS[0]:
        raise Unsupported(
            f"it joins maps of {', '.join(map(str, parts))} along axis {axis}; only channels can be joined"
        )
    return sketch.layer(name, Concat(), *parts)


def slices(sketch: Sketch, name: str, x: Tensor, axis: int, start: Value, stop: Value | None, step: int = 1) -> Tensor:
    """Add what keeps the elements from *start* up to *stop* along an axis, as Python counts them."""
    size = x.dims[x.at(axis)]
    begin, end = _place(start, size), size if stop is None else _place(stop, size)
    if step < 1:
        raise Unsupported(f"it runs backwards along axis {axis}")
    if (begin, end, step) == (0, size, 1):
        return x
    logical = x.logical(axis)
    if logical == CHANNELS[0]:
        if step > 1:
            raise Unsupported(f"it takes every {step}th channel")
        return sketch.layer(name, SliceChannels(channels=(begin, end)), x)
    if logical == BATCH[0]:
        raise Unsupported("it takes some samples of the batch")
    return _thinned(sketch, name, x, logical - 2, (begin, size - end), step)


def _place(given: Value, size: Value) -> Value:
    """Return a place on an axis: counted from its end where negative, at its end where beyond."""
    if isinstance(given, int):
        if given >= FAR:
            return size
        if given < 0:
            return max(0, size + given) if isinstance(size, int) else 0 if given < -FAR else size + given
        return min(given, size) if isinstance(size, int) else given
    return given


def _thinned(sketch: Sketch, name: str, x: Tensor, at: int, cut: tuple[Value, Value], step: int) -> Tensor:
    """Add a crop along one axis of space, and a pooling of single elements that takes every *step*-th."""
    rank = len(x.shape.sizes)
    if cut != (0, 0):
        amount = tuple(cut if axis == at else (0, 0) for axis in range(rank))
        x = sketch.layer(name if step == 1 else f"{name}.crop", Crop(amount=amount), x)
    if step == 1:
        return x
    thin = MaxPool(
        kernel_size=(1,) * rank,
        stride=tuple(step if axis == at else 1 for axis in range(rank)),
        padding=((0, 0),) * rank,
        dilation=(1,) * rank,
        ceil_mode=False,
    )
    return sketch.layer(name, thin, x)


def split(sketch: Sketch, name: str, x: Tensor, axis: int, lengths: Sequence[Value]) -> list[Tensor]:
    """Add what cuts a map into parts along an axis."""
    start: Value = 0
    found = []
    for at, length in enumerate(lengths):
        found.append(slices(sketch, f"{name}.{at}", x, axis, start, start + length))
        start = start + length
    return found


def pad(sketch: Sketch, name: str, x: Tensor, pads: Sequence[tuple[Value, Value]], mode: str) -> Tensor:
    """Add elements around the image, one pair per axis of the model; negative numbers cut off."""
    amount: list[tuple[Value, Value]] = [(0, 0)] * (len(x.shape.sizes) + 2)
    for axis, pair in enumerate(pads):
        if pair != (0, 0):
            amount[x.logical(axis)] = pair
    if amount[0] != (0, 0) or amount[1] != (0, 0):
        raise Unsupported("it pads the batch or the channels")
    cut = tuple((_below(before), _below(after)) for before, after in amount[2:])
    more = tuple((before + less, after + fewer) for (before, after), (less, fewer) in zip(amount[2:], cut, strict=True))
    both = any(pair != (0, 0) for pair in cut) and any(pair != (0, 0) for pair in more)
    if any(pair != (0, 0) for pair in cut):
        x = sketch.layer(f"{name}.crop" if both else name, Crop(amount=cut), x)
    if any(pair != (0, 0) for pair in more):
        x = sketch.layer(name, Padding(amount=more, mode=mode), x)
    return x


def _below(number: Value) -> int:
    """Return how far a number is below 0; a formula is none that could be."""
    return max(0, -number) if isinstance(number, int) else 0
