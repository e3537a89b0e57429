"""The folder of a search that trains: what was asked for, every training, the order of steps, and the winner."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
from nassearch.benchmarks.trained.entry import TRAINED, Entry
from nassearch.benchmarks.trained.ledger import read_ledger
from nassearch.checks import a_path
from nassearch.datasets import OwnDataset, open_dataset
from nassearch.errors import BadData, MissingData
from nassearch.files.bounded import guarded, read_bytes
from nassearch.files.data_folder import write_whole
from nassearch.files.limits import RESULT
from nassearch.files.plain_json import read_json
from nassearch.search import schema
from nassearch.search.outcome import Outcome, read
from nassearch.search.store import is_search
from nassearch.search.trained import schemas
from nassearch.search.trained.events import Event, read_events
from nassearch.spaces import open_space
from nassearch.spaces.base import SearchSpace
from nassearch.training import Recipe

FORMAT, VERSION = "nassearch search", 1
MADE, LEDGER, EVENTS, RESULTS, WINNER, SPENT, FINAL = (
    *("search.json", "trained.jsonl", "events.jsonl"),
    *("result.jsonl", "winner.json", "spent.json", "final.json"),
)


@dataclass(frozen=True)
class SearchFolder:
    """What a search that trains has left, finished or not.

        folder = SearchFolder.open("results/my_images")
        folder.best.text, folder.best.valid, folder.winner

    Attributes:
        path: of the folder.
        made: what was asked for, as plain JSON values by name: strategy, seed, space, data, recipe and more.
        package: version of nassearch.
        code: which code searched, by part.
    """

    path: Path
    made: Mapping[str, Any]
    package: str
    code: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path | str) -> SearchFolder:
        """Read a folder; nothing in it is run.

        Raises:
            MissingData: there is none.
            BadData: it is none of a search.
            InvalidSetting: what is given is no path.
        """
        path = a_path("a search is opened from the path of its folder, such as results/my_images", path)
        found = _read(path / MADE)
        if found is None:
            raise MissingData(
                f"{path} is no folder of a search: it has no {MADE}; name one that nassearch search has written"
            )
        made = found.get("made")
        if (found.get("format"), found.get("version")) != (FORMAT, VERSION) or not isinstance(made, dict):
            raise BadData(
                f"{path / MADE} is none of a search, or of another version of nassearch than this one reads ({VERSION})"
            )
        _check(path / MADE, found, schemas.FOLDER, ())
        _check(path / MADE, made, schemas.SEARCH, schemas.NEEDED)
        return cls(path, made, str(found.get("package")), dict(found.get("code") or {}))

    @classmethod
    def begun(cls, path: Path) -> SearchFolder | None:
        """Read the folder of a search that has asked for a training; None where none has, so that any may begin."""
        there = cls.open(path) if is_search(path) else None
        return there if there is not None and (there.events or there.trainings) else None

    def write(self) -> None:
        """Write what was asked for.

        Raises:
            NassearchError: the folder cannot be written.
        """
        self._write(
            MADE,
            {
                "format": FORMAT,
                "version": VERSION,
                "package": self.package,
                "code": dict(self.code),
                "made": dict(self.made),
            },
        )

    def write_winner(self, winner: Mapping[str, Any]) -> None:
        """Write what the search came to."""
        self._write(WINNER, dict(winner))

    def _kept(self, name: str, known: Mapping[str, schema.Check]) -> dict[str, Any] | None:
        """Return what a file holds, all of it known; None where there is no such file."""
        found = _read(self.path / name)
        if found is not None:
            _check(self.path / name, found, known, tuple(known))
        return found

    def _write(self, name: str, value: Any) -> None:
        content = json.dumps(value, indent=1, allow_nan=False) + "\n"
        write_whole(self.path / name, content.encode(), "make room or choose another --out")

    @property
    def trainings(self) -> list[Entry]:
        """Return all trainings that have ended, in the order in which they did, that of the winner too."""
        path = self.path / LEDGER
        return read_ledger(path)[1] if path.exists() else []

    @property
    def entries(self) -> list[Entry]:
        """Return the trainings that the strategy was told of, in that order, without what it asked for twice."""
        known = {
            (entry.arch, entry.recipe.get("epochs")): entry for entry in self.trainings if self._is_own(entry)
        }
        whole = self.made["recipe"]["epochs"]
        told = [(each.arch, each.epochs or whole) for each in self.events if each.kind == "tell"]
        return [known[key] for key in dict.fromkeys(told) if key in known]

    def _is_own(self, entry: Entry) -> bool:
        """Say whether a training is by the recipe of this search: others may keep theirs in the same folder."""
        made, epochs = self.made["recipe"], entry.recipe.get("epochs")
        free = {"epochs"} if epochs == made["epochs"] else {"epochs", "anneal"}
        alike = all(entry.recipe.get(name) == value for name, value in made.items() if name not in free)
        return alike and entry.seed == self.made["seed"]

    @property
    def events(self) -> list[Event]:
        """Return what was asked and told, in order."""
        return read_events(self.path / EVENTS)

    @property
    def best(self) -> Entry | None:
        """Return the whole training of the highest validation accuracy, the first of equals; None before one."""
        whole = self.made["recipe"].get("epochs")
        found = [e for e in self.entries if e.status == TRAINED and e.recipe.get("epochs") == whole]
        return max(found, key=lambda entry: entry.valid or 0.0, default=None)

    @property
    def winner(self) -> dict[str, Any] | None:
        """Return what the search came to: the winner with its final training; None while there is none."""
        return self._kept(WINNER, schemas.WINNER)

    @property
    def running(self) -> int:
        """Return how many trainings were asked for and have not ended."""
        return sum(1 if event.kind == "ask" else -1 for event in self.events)

    @property
    def ended(self) -> bool:
        """Return whether the winner is that of all trainings: with another budget a search goes on after its end."""
        winner = self.winner
        return winner is not None and winner["models"] >= len(self.entries) and not self.running

    @property
    def final(self) -> dict[str, Any] | None:
        """Return what was decided of the final training, its epochs and threads; None before it."""
        return self._kept(FINAL, schemas.FINAL)

    def write_final(self, final: Mapping[str, Any]) -> None:
        """Write what is decided of the final training: one that is killed goes on by it."""
        self._write(FINAL, dict(final))

    @property
    def result(self) -> Outcome | None:
        """Return the search as a result of one round, as `nassearch run` has them; None before its end or a pause."""
        path = self.path / RESULTS
        return read(path)[0] if path.exists() else None

    @property
    def spent(self) -> float:
        """Return the seconds of wall clock that the search has had."""
        found = _read(self.path / SPENT) or {"seconds": 0.0}
        _check(self.path / SPENT, found, {"seconds": schema.number}, ("seconds",))
        return float(found["seconds"])

    def write_spent(self, seconds: float) -> None:
        """Write the seconds of wall clock that the search has had."""
        self._write(SPENT, {"seconds": seconds})

    def space(self) -> SearchSpace:
        """Return the space that was searched; one of a user's own is imported.

        Raises:
            NassearchError: it cannot be opened here.
        """
        return open_space(str(self.made["space"])).space

    def data(self) -> OwnDataset:
        """Open the data again.

        Raises:
            MissingData: they are gone.
            BadData: they are not what they were.
        """
        told = self.made["data"]
        data = open_dataset(told["path"], **{name: told[name] for name in ("size", "valid", "test", "seed")})
        if data.digest != told["digest"]:
            raise BadData(
                f"{told['path']} has changed since the search: its content was {told['digest']} and is {data.digest}; "
                "put back what was there, or search again with another --out"
            )
        return data

    def benchmark(self, data: OwnDataset | None = None) -> TrainedBenchmark:
        """Return the oracle, with all that it has trained."""
        made = self.made
        return TrainedBenchmark(
            self.space(),
            data or self.data(),
            Recipe.of(made["recipe"]),
            self.path,
            skeleton=_tuples(made["skeleton"]),
            seed=made["seed"],
            device=made["device"],
            threads=made["threads"],
            fidelity=made.get("fidelity", ()),
        )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        with guarded(path, "move the folder away"):
            found = read_json(read_bytes(path, RESULT))
    except ValueError as error:
        raise BadData(f"{path} is damaged: {error}; move the folder away to begin anew") from None
    if not isinstance(found, dict):
        raise BadData(f"{path} is damaged: it holds no object; move the folder away to begin anew")
    return found


def _check(
    path: Path, found: Mapping[str, Any], known: Mapping[str, schema.Check], needed: Sequence[str]
) -> None:
    try:
        schema.check_fields(found, known, needed)
    except ValueError as error:
        raise BadData(f"{path} is damaged: {error}; move the folder away to begin anew") from None


def _tuples(skeleton: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in skeleton.items()}
