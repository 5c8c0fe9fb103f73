"""Networks from files: specs, the zoo, and the models that people already have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from convmath import limits as limits_module
from convmath.errors import UnsupportedError, UsageError, inert
from convmath.importers.formats import NEVER_OPENED, ONNX, is_callable, looks_like_onnx
from convmath.limits import Limits
from convmath.spec.graph import Network
from convmath.spec.parse import parse
from convmath.spec.settings import with_settings

Settings = Mapping[str, int | str]


def load(
    source: str | Path,
    settings: Settings | None = None,
    *,
    numbers: bool = False,
    allow_opaque: bool = False,
    output: str | None = None,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Read a network from a spec file, from a model of ONNX, or from the zoo as ``zoo:NAME``.

    *settings* binds symbols and values of the spec, to numbers or expressions; with
    *numbers* every other symbol takes its default. With *output* only what one output, or
    one layer, needs is kept; of a model nothing else is read. *allow_opaque* is for models
    only, as in ``from_onnx``.

    Raises ``UsageError`` for a file that does not exist, ``SpecError`` with all faults of
    the file at once, ``LimitError`` for one that is too large, ``UnsupportedError`` for a
    model of another format.
    """
    from convmath.spec.files import READERS, read_bytes, read_file
    from convmath.zoo.catalogue import PREFIX, names, spec_of

    name, path = str(source), Path(source)
    if not name:
        raise UsageError("the SPEC is empty; name a file or a network of the zoo, as in zoo:lenet5")
    if name in names() and not path.exists():
        raise UsageError(f"there is no file {name}; the built-in network is {PREFIX}{name}")
    if is_callable(name) and not _is_file(path):
        raise UsageError(f"{inert(name)} names Python code, and importing it runs it; add --trust if you trust it")
    if name.startswith(PREFIX):
        document = read_bytes(spec_of(name.removeprefix(PREFIX)).encode(), name, ".yaml", limits)
        return _ended(parse(document, settings, numbers=numbers, limits=limits), output)
    ending = path.suffix.lower()
    if ending in NEVER_OPENED and _is_file(path):
        what = f"{inert(name)}: convmath never opens {ending} files"
        raise UnsupportedError(f"{what}\n  = help: {NEVER_OPENED[ending]}")
    if ending == ONNX:
        network = from_onnx(path, output=output, allow_opaque=allow_opaque, limits=limits)
        return with_settings(network, settings or {}, numbers=numbers, limits=limits)
    if ending not in READERS and _is_file(path):
        known = ", ".join((*READERS, ONNX))
        raise UsageError(f"{inert(name)}: the ending says no format that convmath reads; it reads {known}")
    return _ended(parse(read_file(path, limits), settings, numbers=numbers, limits=limits), output)


def _ended(network: Network, output: str | None) -> Network:
    return network if output is None else network.up_to(output)


def load_trusted(
    spec: str,
    shapes: Sequence[str],
    settings: Settings | None = None,
    *,
    numbers: bool = False,
    allow_opaque: bool = False,
    output: str | None = None,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Return the network of a module of PyTorch that ``package.module:callable`` makes; this runs its code.

    *shapes* are those of its inputs, as text: ``3,H,W``, or ``name=3,H,W`` for several. The
    module is read in evaluation mode, with the weights that it has; with *output* only what
    that needs.

    Raises ``UsageError`` where there is no such callable, ``SpecError`` where its code
    fails, otherwise as ``from_torch``.
    """
    from convmath.importers.torch import check_installed, from_torch
    from convmath.importers.torch.trusted import made_by, shapes_of

    check_installed()
    network = from_torch(
        made_by(spec),
        shapes_of(shapes),
        name=spec,
        weights=True,
        output=output,
        allow_opaque=allow_opaque,
        limits=limits,
    )
    return with_settings(network, settings or {}, numbers=numbers, limits=limits)


def _is_file(path: Path) -> bool:
    """Tell whether there is a file; what no path can be is told by who reads it."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def load_bytes(
    raw: bytes,
    file: str,
    settings: Settings | None = None,
    *,
    numbers: bool = False,
    allow_opaque: bool = False,
    output: str | None = None,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Read a network from bytes: ONNX, or YAML, of which JSON is a part, or TOML where the text is no YAML mapping."""
    from convmath.spec.files import read_any

    if looks_like_onnx(raw):
        network = _imported(raw, file, output, allow_opaque=allow_opaque, limits=limits)
        return with_settings(network, settings or {}, numbers=numbers, limits=limits)
    return _ended(parse(read_any(raw, file, limits), settings, numbers=numbers, limits=limits), output)


def most_bytes(beginning: bytes, limits: Limits) -> int:
    """Return how many bytes a file that begins like that may have."""
    return limits.onnx_bytes if looks_like_onnx(beginning) else limits.spec_bytes


def from_onnx(
    source: str | Path | bytes,
    *,
    output: str | None = None,
    allow_opaque: bool = False,
    limits: Limits = limits_module.DEFAULT,
) -> Network:
    """Return the network of an ONNX model, from its path or its bytes; sizes that it leaves open become symbols.

    Weights are read when the network runs, external data never; nothing of the model is
    run. With *output*, a node of the graph or what it puts out, only what that needs is
    read. With *allow_opaque* operators that convmath does not know become ``opaque`` layers.

    Raises ``UnsupportedError`` for operators that are unknown, all at once, or without the
    extra ``onnx``; ``SpecError`` for a faulty file, ``UsageError`` for none, ``LimitError``
    for one that is too large.
    """
    return _imported(source, "<bytes>", output, allow_opaque=allow_opaque, limits=limits)


def _imported(
    source: str | Path | bytes, file: str, output: str | None, *, allow_opaque: bool, limits: Limits
) -> Network:
    from convmath.importers.onnx.file import read_onnx
    from convmath.importers.onnx.graph import network_of

    model = read_onnx(source, file=file, limits=limits)
    return network_of(model, output=output, allow_opaque=allow_opaque, limits=limits)


def reread(network: Network, settings: Settings, *, numbers: bool, limits: Limits = limits_module.DEFAULT) -> Network:
    """Return the network read again from its spec with other settings; an imported one with them."""
    if network.document is None:
        return with_settings(network, settings, numbers=numbers, limits=limits)
    return replace(parse(network.document, settings, numbers=numbers, limits=limits), name=network.name)
