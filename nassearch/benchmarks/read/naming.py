"""Files spell data sets in many ways: CIFAR-10, CIFAR10 and cifar_10 are one, and a data set may have further names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nassearch.benchmarks.base import Dataset
from nassearch.errors import BadData


def simple(name: str) -> str:
    """Return a name without what spellings differ in: case, hyphens, underscores, dots and spaces.

    >>> simple("CIFAR-10"), simple("ImageNet16-120")
    ('cifar10', 'imagenet16120')
    """
    return re.sub(r"[\s_.-]+", "", name).casefold()


def named(name: str, datasets: Mapping[str, Dataset]) -> str | None:
    """Return the data set that a name of a file means, None where there is none."""
    if name in datasets:
        return name
    wanted = simple(name)
    for known, dataset in datasets.items():
        if wanted in map(simple, (known, *dataset.aliases)):
            return known
    return None


def choose(spellings: Iterable[str], dataset: str, alone: bool) -> str:
    """Return the one name of a file that means a data set.

    Args:
        spellings: those of its names that may mean the data set.
        dataset: its name.
        alone: whether the file's other names were not asked for, so that the data set's own name is preferred.

    Raises:
        BadData: there are several, which are different trainings.
    """
    first, *others = sorted(spellings)
    if not others or (alone and dataset in (first, *others)):
        return dataset if dataset in (first, *others) else first
    met = " and ".join(map(repr, (first, *others)))
    raise BadData(f"{met} both mean {dataset} here: call one of them {dataset} and take out the others")
