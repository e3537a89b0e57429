"""The layout of an imported table says which column holds what. There are two: long and wide."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nassearch.benchmarks.base import Dataset
from nassearch.benchmarks.read.naming import choose, named, simple
from nassearch.errors import BadData, InvalidSetting, UnknownName

SHOWN = 50
"""Columns that a message lists."""
METRICS = ("valid", "test", "seconds")
ROLES = ("arch", "dataset", "seed", *METRICS)
NAMES = {"arch": ("arch", "architecture"), "seconds": ("seconds", "train_seconds")}
"""Names that a role goes by without a mapping, besides its own."""


class Columns(NamedTuple):
    """Positions of the columns of one data set; `dataset` None where the rows say which it is.

    `epochs` is what the chosen columns are called after, None where their names do not say. `only` is "valid" or "test"
    where one column stands for both: the metric whose values it holds. `shorter` are the columns of fewer epochs.
    """

    dataset: str | None
    valid: int
    test: int
    seconds: int | None
    epochs: int | None = None
    only: str | None = None
    shorter: tuple[Columns, ...] = ()


class Layout(NamedTuple):
    """Positions of columns, and one `Columns` for each data set that the names of columns speak of."""

    arch: int
    dataset: int | None
    seed: int | None
    groups: tuple[Columns, ...]


def find_layout(
    columns: Sequence[str],
    datasets: Mapping[str, Dataset],
    mapping: Mapping[str, str] | None = None,
    epochs: int | None = None,
) -> Layout:
    """Find the columns of a long or a wide file.

    Long: one row per training, `arch,dataset,valid,test[,seconds][,seed]`. Wide: one row per architecture,
    `arch` and `DATASET/valid[/EPOCHS]`, `DATASET/test[/EPOCHS]`, `DATASET/seconds[/EPOCHS]` of each data set.
    Other columns may be there.

    Args:
        columns: the header.
        datasets: those that count, by name.
        mapping: role to column name, `{"arch": "cell", "valid": "val_acc"}`; in a wide file `valid` is the
            name within `DATASET/valid`, and `{"cifar10/valid": "c10_val"}` names a whole column.
        epochs: which columns of a wide file; default: the most epochs with both valid and test.

    Raises:
        BadData: a column is missing; the message lists those that are there.
        UnknownName: a role in the mapping that does not exist.
        InvalidSetting: epochs that no column has.
    """
    mapping = dict(mapping or {})
    for role in mapping:
        dataset, slash, metric = role.rpartition("/")
        if slash and (dataset not in datasets or metric not in METRICS):
            raise UnknownName("data set's column", role, [f"{d}/{m}" for d in datasets for m in METRICS])
        if not slash and role not in ROLES:
            raise UnknownName("column role", role, ROLES)
    finder = _Finder(columns, mapping, datasets)
    arch = finder.need("arch", "the architectures")
    seed = finder.find("seed")
    if finder.find("valid") is not None or finder.find("dataset") is not None:
        if epochs is not None:
            raise InvalidSetting(
                f"epochs ({epochs}) choose among columns DATASET/valid/EPOCHS; there are none"
            )
        valid, test = finder.need("valid", "validation values"), finder.need("test", "test values")
        group = Columns(None, valid, test, finder.find("seconds"), only=finder.only(valid, test))
        return Layout(arch, finder.find("dataset"), seed, (group,))
    groups = tuple(wide for name in datasets if (wide := finder.wide(name, epochs)) is not None)
    if not groups:
        if epochs is not None and finder.epochs:
            found = ", ".join(map(str, sorted(finder.epochs)))
            raise InvalidSetting(f"no columns for {epochs} epochs; found {found}")
        raise finder.missing("validation values", "valid", f"DATASET/valid with one of {', '.join(datasets)}")
    return Layout(arch, None, seed, groups)


class _Finder:
    def __init__(
        self, columns: Sequence[str], mapping: Mapping[str, str], datasets: Mapping[str, Dataset]
    ) -> None:
        self.columns, self.mapping, self.datasets = columns, mapping, datasets
        self.place = {name: i for i, name in enumerate(columns) if name}
        self.lower = {name.lower(): i for name, i in self.place.items()}
        self.epochs: set[int] = set()

    def named(self, role: str) -> int | None:
        """Return the column that the mapping names for a role, which must be there."""
        if role not in self.mapping:
            return None
        if self.mapping[role] not in self.place:
            raise self.missing(f"{role}, which the mapping calls {self.mapping[role]!r}", role)
        return self.place[self.mapping[role]]

    def find(self, role: str) -> int | None:
        if role in METRICS and role in self.mapping and self.mapping[role] not in self.place:
            return None  # may be the middle of wide names, valid=x-valid for cifar10/x-valid
        if role in self.mapping:
            return self.named(role)
        names = (name for name in NAMES.get(role, (role,)) if name in self.lower)
        return next((self.lower[name] for name in names), None)

    def need(self, role: str, what: str) -> int:
        place = self.find(role)
        if place is None:
            raise self.missing(what, role)
        return place

    def wide(self, dataset: str, epochs: int | None) -> Columns | None:
        """Return the columns of one data set in a wide file, or None where it has none."""
        spellings = self.spelt(dataset)
        found: dict[str, dict[int | None, int]] = {}
        for metric in METRICS:
            whole = self.named(f"{dataset}/{metric}")
            if whole is not None:
                found[metric] = {epochs: whole}
                continue
            names = (self.mapping[metric],) if metric in self.mapping else NAMES.get(metric, (metric,))
            middle = "|".join(map(re.escape, names))
            pattern = re.compile(rf"(.+)/(?:{middle})(?:/([0-9]{{1,9}}))?", re.IGNORECASE)
            for name, place in self.place.items():
                if (match := pattern.fullmatch(name)) and match[1] in spellings:
                    at = None if match[2] is None else int(match[2])
                    first = found.setdefault(metric, {}).setdefault(at, place)
                    if first != place:
                        raise BadData(
                            f"columns {self.columns[first]!r} and {name!r} both hold the {metric} values of {dataset}: "
                            "take one out"
                        )
                    if at is not None:
                        self.epochs.add(at)
        valid, test = found.get("valid", {}), found.get("test", {})
        if not valid and not test:
            return None
        for metric, places in (("valid", valid), ("test", test)):
            if not places:
                raise self.missing(f"the {metric} values of {dataset}", f"{dataset}/{metric}")
        both = [at for at in valid if at in test and (epochs is None or at == epochs)]
        if not both:
            if epochs is not None:
                return None
            raise self.missing(f"valid and test of {dataset} at the same epochs", f"{dataset}/valid")
        at = max(both, key=lambda at: -1 if at is None else at)
        seconds, only = found.get("seconds", {}), self.only(valid[at], test[at])
        fewer = [each for each in valid if each and at and each < at and each in test and only is None]
        shorter = (
            Columns(dataset, valid[each], test[each], seconds.get(each), each) for each in sorted(fewer)
        )
        return Columns(dataset, valid[at], test[at], seconds.get(at), at, only, tuple(shorter))

    def only(self, valid: int, test: int) -> str | None:
        """Return the metric that a column for both holds: validation, where the mapping looks for the test there."""
        if valid != test:
            return None
        mapped = {role.rpartition("/")[2] for role in self.mapping}
        return "valid" if "test" in mapped and "valid" not in mapped else "test"

    def spelt(self, dataset: str) -> set[str]:
        """Return the beginnings of names of columns that mean a data set."""
        meant = {name.partition("/")[0] for name in self.place if "/" in name}
        meant = {name for name in meant if named(name, self.datasets) == dataset}
        chosen = choose({simple(name) for name in meant}, simple(dataset), alone=True) if meant else ""
        return {name for name in meant if simple(name) == chosen}

    def missing(self, what: str, role: str, more: str = "") -> BadData:
        names = " or ".join((*NAMES.get(role, (role,)), *([more] if more else [])))
        found = [*self.columns[:SHOWN], *(["..."] if len(self.columns) > SHOWN else [])]
        shown = ", ".join(name if len(name) <= 60 else f"{name[:60]}..." for name in found)
        return BadData(
            f"no column for {what} ({names}); columns found: {shown}; name it in the mapping, {role}=COLUMN"
        )
