"""Train what a search found once more, for longer; what was found stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nassearch.benchmarks.trained.builder import Builder, task_for
from nassearch.benchmarks.trained.entry import key_of
from nassearch.errors import BadData, InvalidSetting, NassearchError
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import WORK
from nassearch.files.locks import held
from nassearch.files.plain_json import read_json
from nassearch.provenance.identity import identity
from nassearch.search import schema
from nassearch.types import Arch, Task

if TYPE_CHECKING:
    from nassearch.datasets import OwnDataset
    from nassearch.spaces.base import SearchSpace
    from nassearch.training import Recipe

FORMAT, VERSION = "nassearch retraining", 1
FOLDER = "retrained"
SECOND = (
    "a look of its own, for this training: the test part was looked at before, for the winner of the search or another "
    "training, so choose between trainings by validation"
)
FIRST = "looked at once, for this training; the search itself did not look at it"
REMEDY = "remove it, and retrain"
RECORD: dict[str, schema.Check] = {
    "arch": lambda value: schema.check_archs([value]),
    "text": schema.text,
    "recipe": schema.named,
    "seconds": schema.number,
    "valid": schema.number,
    "test": schema.nullable(schema.number),
    "test_interval": schema.nullable(schema.interval),
    "test_examples": schema.nullable(schema.whole(0)),
    "test_note": schema.text,
    "weights": schema.text,
}
"""What is recorded of a training, by name."""


def retrain(
    folder: Path,
    space: SearchSpace,
    arch: Arch,
    task: Task,
    data: OwnDataset,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    looked: bool = True,
    watch: Callable[[int, int, float], object] | None = None,
    every: float = 30.0,
) -> dict[str, Any]:
    """Train an architecture of a search, and record it in `retrained/` of the search's folder.

    A training that is recorded is not done again, and one that was killed goes on from where it was. The test part is
    looked at once for it, at the end.

    Args:
        folder: of the search.
        space, arch, task: what is trained; the task is that of the search.
        data: the data of the search.
        recipe: of the training.
        seed, device, threads: of the training.
        looked: whether the test part was looked at before, for the winner of the search.
        watch, every: see `nassearch.training.train_model`.

    Returns:
        What is recorded, as plain JSON: `arch`, `text`, `recipe`, `seed`, `seconds`, `history`, `valid`, `test`,
        `test_interval`, `test_examples`, `test_note`, `weights`, and `new`, whether it was trained now.

    Raises:
        NassearchError: it cannot be trained, or not recorded.
    """
    from filelock import Timeout

    from nassearch.networks.modules.isolation import isolated
    from nassearch.training import evaluate, train_model
    from nassearch.training.single.state import weights_bytes

    recipe = recipe.resolved(data)
    key = key_of(arch, seed, recipe.as_dict())
    record = folder / FOLDER / f"{key}.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    try:
        with held(record):
            state = folder / "unfinished" / f"retrained-{key}.safetensors"
            if record.exists():
                state.unlink(missing_ok=True)  # a kill came between the two
                return {**read_record(record), "new": False}
            builder = Builder(space, arch, task_for(task, recipe), seed)
            state.parent.mkdir(parents=True, exist_ok=True)
            how: dict[str, Any] = {"device": device, "threads": threads}
            about = {"space": [space.name, identity(space)], "task": task.as_dict()}
            kept: dict[str, Any] = {"state": state, "watch": watch, "every": every, "about": about}
            done = train_model(builder, data, recipe, seed=seed, **kept, **how)
            if done.weights is None or done.status != "trained":
                raise NassearchError(f"{space.format(arch)}: {done.status}; {done.note or 'no weights'}")
            with isolated(seed):
                module = builder()
            module.load_state_dict(done.weights)
            tested = evaluate(module, data, "test", size=recipe.size, **how) if len(data.test) else None
            weights = f"{FOLDER}/{key}.safetensors"
            write_whole(
                folder / weights, weights_bytes(done.weights), "make room, then run it again to go on"
            )
            found = {
                "format": FORMAT,
                "version": VERSION,
                "data": data.digest,
                "arch": list(arch),
                "text": space.format(arch),
                "recipe": recipe.as_dict(),
                "seed": seed,
                "seconds": done.seconds,
                "history": done.history,
                "valid": done.valid,
                "test": None if tested is None else tested.accuracy,
                "test_interval": None if tested is None else list(tested.interval),
                "test_examples": len(data.test),
                "test_note": SECOND if looked or _looked(record.parent) else FIRST,
                "weights": weights,
            }
            text = json.dumps(found, indent=1, allow_nan=False) + "\n"
            write_whole(record, text.encode(), "make room, then run it again to go on")
            state.unlink(missing_ok=True)
            return {**found, "new": True}
    except Timeout:
        raise NassearchError(f"{record} is being trained by another process: wait for it") from None


def _looked(folder: Path) -> bool:
    """Say whether the test part was looked at for another training that is recorded there."""
    for path in folder.glob("*.json"):
        try:
            if read_record(path)["test"] is not None:
                return True
        except NassearchError:  # it may have been
            return True
    return False


def read_record(path: Path) -> dict[str, Any]:
    """Return what is recorded of a training.

    Raises:
        MissingData, Unreadable, BadData: it is not there, cannot be read or is damaged.
    """
    with guarded(path, REMEDY):
        text = read_bytes(path, WORK)
    try:
        found = dict(read_json(text))
        if (found.get("format"), found.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"it is not of version {VERSION}")
        schema.check_fields(found, RECORD, tuple(RECORD))
    except (ValueError, TypeError) as error:
        raise BadData(f"{path} is no record of a training: {error}; {REMEDY}") from error
    return found


def best_retraining(folder: Path, arch: Arch | None = None) -> Mapping[str, Any]:
    """Return the retraining with the best validation accuracy, of an architecture or of any.

    Raises:
        InvalidSetting: there is none.
    """
    found = [read_record(path) for path in sorted((folder / FOLDER).glob("*.json"))]
    found = [record for record in found if arch is None or tuple(record["arch"]) == arch]
    if not found:
        raise InvalidSetting(f"nothing was trained again in {folder}: run nassearch retrain {folder} first")
    return max(found, key=lambda record: record["valid"])
