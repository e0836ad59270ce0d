"""Which modules of a model are looked at, and under which names."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from vp_tui.core.models.operands import Rows8

ENTERS: Final = ".in"
"""Ends the name of the point where a value enters a module."""
Look = Callable[[str, Tensor], Tensor | None]
"""Called with the name of a point and its value; a returned tensor takes the value's place."""


def watched(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Leaf modules that hold parameters, and whole blocks (members of a ModuleList), by their names in `model`."""
    blocks = {
        id(block) for holder in model.modules() if isinstance(holder, nn.ModuleList) for block in holder.children()
    }
    return [
        (name, module)
        for name, module in model.named_modules()
        if id(module) in blocks or (not any(module.children()) and any(True for _ in module.parameters(recurse=False)))
    ]


@contextmanager
def looking(model: nn.Module, look: Look) -> Iterator[None]:
    """Within it, every floating-point value that enters a linear layer or leaves a watched module goes through `look`.

    What enters is called `name.in`, what leaves `name`; in the order of execution.
    """
    handles = []
    for name, module in watched(model):
        if isinstance(module, nn.Linear):
            handles.append(module.register_forward_pre_hook(_before(name, look)))
        handles.append(module.register_forward_hook(_after(name, look)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _before(name: str, look: Look) -> Callable[..., tuple[Any, ...] | None]:
    def hook(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        value = inputs[0]
        replaced = look(name + ENTERS, value.widened() if isinstance(value, Rows8) else value)
        return None if replaced is None else (replaced, *inputs[1:])

    return hook


def _after(name: str, look: Look) -> Callable[..., object]:
    def hook(_: nn.Module, inputs: object, output: object) -> object:
        del inputs
        # blocks of transformers may return tuples whose first member is the residual stream
        first = output[0] if isinstance(output, tuple) else output
        if not isinstance(first, torch.Tensor) or not first.is_floating_point():
            return None
        replaced = look(name, first)
        if replaced is None:
            return None
        return (replaced, *output[1:]) if isinstance(output, tuple) else replaced

    return hook


def entering(inputs: tuple[object, ...]) -> Tensor | None:
    """The floating-point value that enters a module: its first input, or, for a norm that adds first, the sum."""
    first, second = (*inputs, None, None)[:2]
    if not isinstance(first, Tensor) or not first.is_floating_point():
        return None
    adds = isinstance(second, Tensor) and second.shape == first.shape
    return first + cast(Tensor, second) if adds else first


@contextmanager
def looking_everywhere(model: nn.Module, look: Look) -> Iterator[None]:
    """points.looking, and what enters every other watched module as well: a residual sum has no module of its own."""
    with ExitStack() as stack:
        for name, module in watched(model):
            if not isinstance(module, nn.Linear):
                stack.callback(module.register_forward_pre_hook(_entering(name + ENTERS, look)).remove)
        with looking(model, look):
            yield


def _entering(name: str, look: Look) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def hook(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        value = entering(inputs)
        if value is not None:
            look(name, value)

    return hook
