"""Writes ``docs/closed-forms.md``: heights of last maps as formulas, by convmath and by other tools.

python tests/importers/closed_forms.py            writes the page
python tests/importers/closed_forms.py --check    only tells whether it is stale, with exit status 1
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import operator
import sys
from functools import cache, partial
from pathlib import Path

import onnx
import sympy
import torch
from last_maps import NETWORKS, executed, in_onnx, with_zeros
from page import main
from torchvision_models import light
from torchvision_table import counted

import convmath as cm
from convmath.api.loading import load_bytes

PAGE = Path(__file__).parent.parent.parent / "docs" / "closed-forms.md"
MOST = 300
NAMED = 128, 4096
H = sympy.Symbol("H", integer=True, positive=True)
SAMPLE = 225
FLOORS = {"floor", "ceiling", "FloorDiv", "CleanDiv", "CeilDiv", "CeilToInt", "FloorToInt", "PythonMod", "Mod"}
"""What rounds in a formula of SymPy or of PyTorch."""


@cache
def network(name):
    return NETWORKS[name]()


@cache
def model(name):
    return in_onnx(name, network(name))


@cache
def analyzed(name, source):
    """Return the report of a network, from PyTorch or from ONNX."""
    read = cm.from_torch(network(name), (3, "H", "W")) if source == "PyTorch" else load_bytes(model(name), name)
    return cm.analyze(read).analysis.report


def height(name, source):
    """Return convmath's formula of the last height, in H; the width says the same in W."""
    found, width = analyzed(name, source).totals.output_shape[1:]
    assert str(found).replace("H", "W") == str(width)
    return found


@cache
def least(name):
    """Return the least height at which PyTorch runs the network."""
    at = 1
    while True:
        with contextlib.suppress(RuntimeError):
            executed(network(name), at, at)
            return at
        at += 1


@cache
def heights(name):
    """Return the height of the last map by that of the image, measured."""
    return executed(network(name), least(name), MOST)


def exported_size(name, height=torch.export.Dim.DYNAMIC, width=torch.export.Dim.DYNAMIC):
    """Return the size that torch.export leaves where height and width are open."""
    given = torch.zeros(1, 3, SAMPLE, SAMPLE + 32, device=next(network(name).parameters()).device)
    try:
        program = torch.export.export(network(name), (given,), dynamic_shapes=({2: height, 3: width},))
    except Exception as error:  # noqa: BLE001  (whatever it raises is what the page says)
        return None, f"fails: {str(error).splitlines()[0].partition(' For more')[0]}", None
    [made] = next(node for node in program.graph.nodes if node.op == "output").args[0]
    expression = made.meta["val"].shape[2].node.expr
    [symbol] = expression.free_symbols
    expression = expression.xreplace({symbol: H})
    return expression, str(expression), partial(_refused, program.module())


def exported_with_ranges(name):
    """Return the size that torch.export leaves where height and width are named, far from sizes that are special."""
    return exported_size(name, *(torch.export.Dim(each, min=NAMED[0], max=NAMED[1]) for each in "HW"))


def _refused(program, at):
    """Tell whether an exported program stops at a size because of a guard."""
    device = next(program.parameters()).device
    try:
        program(torch.zeros(1, 3, at, at, device=device))
    except AssertionError:
        return True
    return False


def inferred(name):
    """Return the size that ONNX Runtime's symbolic inference writes."""
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            done = SymbolicShapeInference.infer_shapes(with_zeros(model(name)), auto_merge=True)
    except Exception as error:  # noqa: BLE001  (whatever it raises is what the page says)
        return None, f"fails: {str(error).splitlines()[0]}", None
    finally:
        logging.disable(logging.NOTSET)
    return _named(done.graph.output[0])


def propagated(name):
    """Return the size that ONNX's own inference writes, with data propagation."""
    return _named(onnx.shape_inference.infer_shapes(with_zeros(model(name)), data_prop=True).graph.output[0])


def _named(output):
    size = output.type.tensor_type.shape.dim[2]
    if size.dim_value:
        return sympy.Integer(size.dim_value), str(size.dim_value), None
    with contextlib.suppress(sympy.SympifyError):
        made = sympy.sympify(size.dim_param, locals={"H": H})
        if made.free_symbols == {H}:
            return made, size.dim_param, None
    return None, "only a new name", None


def at_height(found, at):
    return found.bind({"H": at})


def nested(expression):
    """Return how many roundings stand inside one another."""
    below = max(map(nested, expression.args), default=0)
    return below + (type(expression).__name__ in FLOORS)


def function(expression):
    """Return a formula as a function of the height."""
    meaning = {"FloorDiv": operator.floordiv, "Max": max, "floor": math.floor, "ceiling": math.ceil}
    return sympy.lambdify(H, expression, modules=[meaning, "math"])


def verdict(name, value, refused=None):
    """Return where values agree with execution, from the least size on."""
    measured = heights(name)
    wrong = [at for at, made in measured.items() if value(at) != made]
    if not wrong:
        return f"at all {len(measured)}"
    at = wrong[0]
    if refused and all(map(refused, wrong)):
        return f"**at {len(measured) - len(wrong)} of {len(measured)}**: a guard refuses the others, the first {at}"
    return f"**wrong at {len(wrong)} of {len(measured)}**: {value(at)} for {measured[at]} at {at}"


def rows(name):
    """Return the lines of a network, one for each tool."""
    lines = []
    for source in ("PyTorch", "ONNX"):
        found = height(name, source)
        if source == "ONNX" and found == height(name, "PyTorch"):
            lines[-1] = lines[-1].replace("PyTorch", "PyTorch and ONNX")
            continue
        floors = nested(sympy.sympify(str(found), locals={"H": H, "max": sympy.Max, "min": sympy.Min}, evaluate=False))
        lines.append(
            _row(
                f"convmath, from {source}",
                shown(str(found)),
                str(floors),
                verdict(name, partial(at_height, found)),
            )
        )
    others = {
        "torch.export": exported_size,
        "the same, named": exported_with_ranges,
        "ONNX Runtime": inferred,
        "onnx": propagated,
    }
    for tool, ask in others.items():
        expression, text, refused = ask(name)
        if expression is None:
            lines.append(_row(tool, text, "–", "–"))
        else:
            lines.append(_row(tool, shown(text), str(nested(expression)), verdict(name, function(expression), refused)))
    return lines


def shown(text):
    return f"`{text}`" if len(text) < 120 else f"{len(text):,} characters, with {text.lower().count('max')} maxima"


def _row(*cells):
    return f"| {' | '.join(cells)} |"


ABOUT = {
    "`same`, stride 2": """\
Three convolutions with stride 2, of kernels 3, 5 and 1.
In PyTorch their code computes the padding from the size, as ports of TensorFlow's networks do; in ONNX it is
`auto_pad="SAME_UPPER"`.

""",
    "ceil-mode pools": """\
A convolution and three pools that round up; the last has kernel 1 and stride 2, so that its last window can begin
beyond the map, and is dropped.

""",
}


def section(name):
    """Return what the page says of one network."""
    head = f"## {name}\n\n{ABOUT.get(name, '')}Heights {least(name)} to {MOST}.\n"
    return "\n".join([head, "| by | height of the last map | nested | right |", "|---|---|---:|---|", *rows(name)])


def macs():
    """Return the MACs of the whole ResNet-50, term by term; Raises ``AssertionError`` where PyTorch counts others."""
    module = light("resnet50")
    found = cm.analyze(cm.from_torch(module, (3, "H", "W"))).analysis.report.totals.macs
    for at in ((224, 224), (225, 299), (33, 64), (1, 2)):
        assert found.bind({"H": at[0], "W": at[1]}) == counted(module, (3, *at))
    first, *others = str(found).split(" + ")
    text = first
    for each in others:
        joined = text.endswith("*floor((H") or text.count("(") != text.count(")")
        text += (" + " if joined else "\n  + ") + each
    return f"## All of ResNet-50\n\n{MACS}\n```text\n{text}\n```"


MACS = """\
MACs of the whole classifier, for an image of any height and width, as `from_torch` and `analyze` give them.
`torch.utils.flop_counter` counts the same at four sizes.
"""

INTRO = """\
# Closed forms of imported networks

<!-- generated by tests/importers/closed_forms.py -->

How high is the last map of a network, for an image of height `H`?
Each part shows what convmath derives from the live module and from its ONNX export, and what other tools leave:

- **torch.export**, with `Dim.DYNAMIC` for height and width: the size of the output in the exported program;
- the same, with named sizes: `Dim("H", min=128, max=4096)`, and `W` alike;
- **ONNX Runtime**: `onnxruntime.tools.symbolic_shape_infer` on the export;
- **onnx**: `onnx.shape_inference.infer_shapes` with `data_prop=True` on the export.

*Nested* is the greatest number of roundings inside one another.
*Right* compares with the module itself, run by PyTorch at every height from the least it takes.
Networks are cut after their last map.
"""

REPRODUCE = """\
## How to reproduce

```text
pip install torch==2.13.0 'convmath[onnx,torch]' onnxruntime pillow
pip install --no-deps 'torchvision==0.28.*'
python tests/importers/closed_forms.py --check
```
"""


def page(sections, counts):
    """Return the page of its parts."""
    return "\n\n".join([INTRO.strip(), *sections, counts, REPRODUCE])


def current():
    """Return the page as it should be."""
    return page(list(map(section, NETWORKS)), macs())


if __name__ == "__main__":
    sys.exit(main(PAGE, current, sys.argv[1:]))
