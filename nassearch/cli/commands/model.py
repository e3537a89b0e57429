"""nassearch score --model: one torch module of the user's own."""

from __future__ import annotations

from typing import Any

import click

from nassearch.cli.common import shared
from nassearch.errors import InvalidModel, InvalidSetting
from nassearch.provenance.from_here import import_from_here, is_named
from nassearch.provenance.their_code import their_code

model_options = shared(
    click.option("--model", default=None, metavar="MODULE:FUNCTION",
                 help="Score the torch module that this function returns, not architectures. It is your own code, "
                 "imported from the current directory and run."),
    click.option("--input", "input_shape", default=None, metavar="SHAPE",
                 help="Shape of one input of --model: 3,32,32 for images, 12 for vectors, words:35 for texts. "
                 "[default: that of --batch FILE]"),
    click.option("--vocabulary", type=int, default=None, metavar="N",
                 help="How many different words there are. [default: as many as --classes]"),
    click.option("--classes", type=int, default=None, help="Number of logits of --model."),
)  # fmt: skip


def model_table(
    model: str,
    input_shape: str | None,
    vocabulary: int | None,
    classes: int | None,
    proxies: list[str],
    batch: str | None,
    seed: int,
) -> tuple[list[str], list[list[Any]], dict[str, str]]:
    """Score the module that `module:function` gives.

    Returns:
        The columns model, batch and one per proxy, the one row, and by proxy why it has no score where it has none.
    """
    from nassearch.checks import SEEDS, whole
    from nassearch.scorers.model_batches import open_model_batch, read_input

    whole("seed", seed, least=0, largest=SEEDS)
    from nassearch.scorers.any_module import score_or_tell

    examples, told = open_model_batch(batch, read_input(input_shape, vocabulary, classes), proxies)
    module = _build(model, seed)
    with their_code(f"--model {model}: scoring it", fault=InvalidModel):
        scores, reasons = score_or_tell(module, examples, proxies, classes)
    return ["model", "batch", *proxies], [[model, told, *scores.values()]], reasons


def _build(text: str, seed: int) -> Any:
    """Import and call what `module:function` names, with the global generators at a seed.

    Raises:
        InvalidSetting: there is no such function.
        InvalidModel: it fails, or gives something else than a torch module.
    """
    what = f"--model {text}"
    if not is_named(text) or text.partition(":")[0].endswith(".py"):
        raise InvalidSetting(
            f"--model is MODULE:FUNCTION, such as models:small for the function small in models.py of the current "
            f"directory, not {text!r}"
        )
    import torch

    from nassearch.networks.modules.isolation import isolated

    found = import_from_here(text, what, InvalidModel)
    if isinstance(found, torch.nn.Module):
        return found
    if not callable(found):
        raise InvalidSetting(
            f"{what}: a value of type {type(found).__name__}, not a function; name one without arguments "
            "that returns a torch.nn.Module"
        )
    with their_code(f"{what}: the function", "it is called without arguments", InvalidModel), isolated(seed):
        model = found()
    if not isinstance(model, torch.nn.Module):
        raise InvalidModel(
            f"{what}: the function returned a value of type {type(model).__name__}; let it return a torch.nn.Module"
        )
    return model
