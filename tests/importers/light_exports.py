"""Exports modules to ONNX without the elements of their weights, as a file has them that keeps them beside it."""

from __future__ import annotations

import copy
import io
import warnings

import onnx
import torch

AXES = "DHW"
EXPORTER = {
    "dynamo": False,  # the newer exporter takes ten times as long
    "opset_version": 18,
    "export_params": False,
    "do_constant_folding": False,
    "training": torch.onnx.TrainingMode.PRESERVE,  # else batch norms disappear into convolutions
}


class Tuple(torch.nn.Module):
    """A module that puts out its maps one by one: the exporter takes no dictionary."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        made = self.inner(x)
        return tuple(made.values()) if isinstance(made, dict) else made


def exported(module, shape, *, sizes=True):
    """Return the bytes of a model whose weights have shapes only; with *sizes* H and W are open.

    It runs the module once, on zeros of that *shape*; every weight is a number of its own,
    repeated, because the exporter stores equal tensors once.
    """
    made = copy.deepcopy(module)
    for at, (owner, name, held) in enumerate(list(_elements(made))):
        value = torch.full((), at % 7 + at / 4096, dtype=held.dtype).expand(held.shape)
        owner[name] = torch.nn.Parameter(value) if isinstance(held, torch.nn.Parameter) else value
    axes = {len(shape) - at: AXES[-at] for at in range(1, len(shape))}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Tuple(made), (torch.zeros(1, *shape),), buffer, input_names=["x"],
            dynamic_axes={"x": {0: "N"} | {at + 1: name for at, name in axes.items()}} if sizes else None, **EXPORTER,
        )  # fmt: skip
    return _with_weights_beside(onnx.load_from_string(buffer.getvalue()))


def _elements(module):
    for each in module.modules():
        for owner in (each._parameters, each._buffers):
            yield from ((owner, name, held) for name, held in owner.items() if held is not None and held.is_meta)


def _with_weights_beside(model):
    """Return a model with its parameters no longer as inputs, but as weights in another file."""
    for each in model.graph.input[1:]:
        kind = each.type.tensor_type
        data = model.graph.initializer.add(name=each.name, data_type=kind.elem_type)
        data.dims.extend(axis.dim_value for axis in kind.shape.dim)
        data.data_location = onnx.TensorProto.EXTERNAL
        data.external_data.add(key="location", value="weights")
    del model.graph.input[1:]
    return model.SerializeToString()
