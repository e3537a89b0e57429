"""nassearch score --model: one torch module of the user's own."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import shared
from nassearch.errors import InvalidModel, InvalidSetting

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
) -> tuple[list[str], list[list[Any]]]:
    """Score the module that `module:function` gives.

    Returns:
        The columns model, batch and one per proxy, and the one row.
    """
    from nassearch.model_batches import open_model_batch, read_input
    from nassearch.strategies.base import SEEDS, whole

    whole("seed", seed, least=0, largest=SEEDS)
    from nassearch.modules import score

    examples, told = open_model_batch(batch, read_input(input_shape, vocabulary, classes), proxies)
    module = _build(model, seed)
    scores = score(module, examples, proxies)
    return ["model", "batch", *proxies], [[model, told, *scores.values()]]


def _build(text: str, seed: int) -> Any:
    """Import and call what `module:function` names, with torch's generator at a seed.

    Raises:
        InvalidSetting: there is no such function.
        InvalidModel: it fails, or gives something else than a torch module.
    """
    name, _, attribute = text.partition(":")
    if not name or not attribute or name.endswith(".py") or "/" in name:
        raise InvalidSetting(
            f"--model is MODULE:FUNCTION, such as models:small for the function small in models.py of the current "
            f"directory, not {text!r}"
        )
    import torch

    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: Any = import_module(name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f"--model {text}: no module is called {error.name!r} in {here} or among what is installed; "
            "change to its folder, or name another"
        ) from error
    except AttributeError as error:
        raise InvalidSetting(f"--model {text}: {error}; name a function that is there") from error
    except Exception as error:
        raise InvalidModel(
            f"--model {text}: importing {name} failed: {_told(error)}; mend it there"
        ) from error
    finally:
        sys.path.remove(here)
    if isinstance(found, torch.nn.Module):
        return found
    if not callable(found):
        raise InvalidSetting(
            f"--model {text}: a value of type {type(found).__name__}, not a function; name one without arguments "
            "that returns a torch.nn.Module"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = found()
        except Exception as error:
            raise InvalidModel(
                f"--model {text}: the function failed: {_told(error)}; it is called without arguments"
            ) from error
    if not isinstance(model, torch.nn.Module):
        raise InvalidModel(
            f"--model {text}: the function returned a value of type {type(model).__name__}; "
            "let it return a torch.nn.Module"
        )
    return model


def _told(error: Exception) -> str:
    """Return an error and the line of the user's code that it comes from."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})" if place is not None else ""
    return f"{type(error).__name__}: {error}{where}"
