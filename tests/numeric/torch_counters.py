"""The counters themselves: what fvcore, torchinfo and ptflops say of a module."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchvision_import import models  # noqa: F401  (ptflops imports torchvision's operators)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ptflops
    import torchinfo
    from fvcore.nn import FlopCountAnalysis, parameter_count

Shape = tuple[int, ...]


def _fvcore(model: nn.Module, shape: Shape) -> int:
    found = FlopCountAnalysis(model.eval(), torch.zeros(1, *shape))
    found.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False).tracer_warnings("none")
    return int(found.total())


def _torchinfo(model: nn.Module, shape: Shape) -> int:
    return summary(model, shape).total_mult_adds


def summary(model: nn.Module, shape: Shape) -> torchinfo.ModelStatistics:
    """Return what torchinfo prints."""
    return torchinfo.summary(model, input_size=(1, *shape), verbose=0, device="cpu")


def complexity(
    model: nn.Module, shape: Shape, backend: str = "pytorch", *, as_strings: bool = False
) -> tuple[int, int] | tuple[str, str]:
    """Return what ptflops prints: MACs and parameters."""
    quiet = {"print_per_layer_stat": False, "ost": io.StringIO()}
    return ptflops.get_model_complexity_info(model, shape, as_strings=as_strings, backend=backend, **quiet)


COUNT: dict[str, Callable[[nn.Module, Shape], int]] = {
    "fvcore": _fvcore,
    "torchinfo": _torchinfo,
    "ptflops": lambda model, shape: complexity(model, shape)[0],
    "ptflops-aten": lambda model, shape: complexity(model, shape, "aten")[0],
}
PARAMETERS: dict[str, Callable[[nn.Module, Shape], int]] = {
    "fvcore": lambda model, _: parameter_count(model)[""],
    "torchinfo": lambda model, shape: summary(model, shape).total_params,
    "ptflops": lambda model, shape: complexity(model, shape)[1],
    "ptflops-aten": lambda model, shape: complexity(model, shape, "aten")[1],
}


def counted(name: str, model: nn.Module, shape: Shape) -> int:
    """Return a counter's number."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing, and of tensors that the tools only read
        logging.disable(logging.WARNING)
        try:
            return COUNT[name](model, shape)
        finally:
            logging.disable(logging.NOTSET)


def parameters(name: str, model: nn.Module, shape: Shape) -> int:
    """Return how many parameters a counter sees."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PARAMETERS[name](model, shape)


class Calls(nn.Module):
    """A module around a function, which is looked up when it runs."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)
