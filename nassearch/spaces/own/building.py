"""Call the function that a user builds modules with, and see that what it returns is one to work with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from nassearch.errors import InvalidModel, InvalidSetting, quoted, told
from nassearch.spaces.own.choices import GIVEN, Choices, always_there, every
from nassearch.types import Task

if TYPE_CHECKING:
    from torch import nn

_returned: WeakSet[Any] = WeakSet()
"""Modules that builds have returned and that are still in use."""


def parameters_of(build: Callable[..., Any], choices: Choices) -> tuple[str, ...]:
    """Return what of `GIVEN` a function takes.

    Raises:
        InvalidSetting: it is no function, or its signature does not fit the choices.
    """
    if not callable(build):
        raise InvalidSetting(
            f"build is a function of the choices that returns a torch.nn.Module, not {quoted(build)}"
        )
    try:
        known = inspect.signature(build).parameters
    except (ValueError, TypeError):  # some of C have none
        return ()
    named = {n: p for n, p in known.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
    asked = {choice.name: choice for choice in every(choices)}
    always = always_there(choices)
    signature = f"build{inspect.signature(build)}"
    for name in asked:
        if name not in named and not open_ended:
            raise InvalidSetting(f"{signature} has no parameter for the choice {name}: add it")
        if name in named and name not in always and named[name].default is inspect.Parameter.empty:
            raise InvalidSetting(
                f"{signature} is called without {name} where that choice is not there: give it a default, such as "
                f"{name}=None"
            )
    for name, parameter in known.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if name not in asked and name not in GIVEN and parameter.default is parameter.empty:
            raise InvalidSetting(
                f"{signature} needs {name}, which is no choice: add it to the choices, give it a default, or name it "
                f"{' or '.join(GIVEN)} for what the data are"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise InvalidSetting(
                f"{signature} is called with names, and {name} takes none: take out the slash"
            )
    return tuple(name for name in GIVEN if name in named)


def build_module(
    build: Callable[..., Any], choices: Mapping[str, Any], shown: str, takes: tuple[str, ...], task: Task
) -> nn.Module:
    """Return the module that a function gives for some choices.

    What it prints goes to standard error, and settings of torch that it changes are set back.

    Args:
        build: called with choices by name.
        choices: values by name.
        shown: the choices as text, for errors.
        takes: what of `GIVEN` it is called with besides.
        task: what that is.

    Raises:
        InvalidModel: it fails, or returns something else than a new module with values in it.
    """
    import torch

    more = {name: getattr(task, name) for name in takes}
    with redirect_stdout(sys.stderr), torch.inference_mode(False), _settings_kept():
        try:
            module = build(**choices, **more)
        except (Exception, SystemExit) as error:
            raise InvalidModel(f"build({shown}) fails: {told(error)}") from error
        if not isinstance(module, torch.nn.Module):
            raise InvalidModel(f"build({shown}) returns {quoted(module)}: let it return a torch.nn.Module")
        if module in _returned:
            raise InvalidModel(
                f"build({shown}) returns a module that it has returned before, and training one would train the other: "
                "let it make a new one in each call"
            )
        _returned.add(module)
        _materialise(module, shown, task)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.is_meta:
            raise InvalidModel(
                f"{name} of build({shown}) is on the device meta, where tensors have no values: build it on the CPU"
            )
    return module


def _materialise(module: nn.Module, shown: str, task: Task) -> None:
    """Run a module with lazy layers once, so that these get their shapes."""
    import torch
    from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

    lazy = UninitializedParameter | UninitializedBuffer
    if not any(isinstance(tensor, lazy) for tensor in [*module.parameters(), *module.buffers()]):
        return
    modes = {each: each.training for each in module.modules()}
    inputs = torch.zeros(2, *task.input_shape, dtype=torch.int64 if task.tokens else torch.float32)
    try:
        with torch.no_grad():
            module.eval()(inputs)
    except (Exception, SystemExit) as error:
        raise InvalidModel(
            f"the module of build({shown}) has lazy layers and fails on inputs of shape {list(inputs.shape)}: "
            f"{told(error)}"
        ) from error
    for each, mode in modes.items():
        each.training = mode


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Set back what code may set for the whole of torch."""
    import torch

    kept: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
        (torch.get_default_device, torch.set_default_device),
    ]
    before = [read() for read, _ in kept]
    try:
        yield
    finally:
        for (read, write), value in zip(kept, before, strict=True):
            if read() != value:
                write(value)
