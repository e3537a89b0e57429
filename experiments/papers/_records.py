"""Published records of searches, to stand beside ours: what was trained, what came of it and what is meant by it."""

from __future__ import annotations

from typing import NamedTuple

SURVEY = "README of 96linan/Performance-Predictor, December 2025"
NOTE = "a third party's notes on the paper"
UNSAID = "not said"
NASBENCH201 = "cifar10", "cifar100", "ImageNet16-120"


class Record(NamedTuple):
    """A published row.

    Attributes:
        method: as the source calls it, with the year.
        models: trained models, as the source counts them.
        values: as published, by the name of a benchmark's data set.
        meaning: which accuracy it is, as far as the source says.
        source: where it was read; not always the paper.
    """

    method: str
    models: str
    values: dict[str, str]
    meaning: str
    source: str


def _nasbench201(method: str, models: str, values: str, meaning: str, source: str) -> Record:
    each = zip(NASBENCH201, values.split(), strict=True)
    return Record(method, models, {f"nasbench201/{name}": value for name, value in each}, meaning, source)


def _nasbench101(method: str, models: str, value: str, meaning: str, source: str) -> Record:
    return Record(method, models, {"nasbench101/cifar10": value}, meaning, source)


ROBOT = "RoBoT (ICLR 2024), the repository's table 2"
RECORDS = (
    _nasbench201("RoBoT (2024)", "20, of 12 epochs each", "94.36 73.51 46.34", "test, mean of 10", ROBOT),
    _nasbench201("CAP (2024)", "50", "94.34 73.41 46.44", UNSAID, SURVEY),
    _nasbench201("DCLP+RS (2024)", "50", "94.34 73.50 46.54", UNSAID, SURVEY),
    _nasbench201("WeakPNAG (2024)", "64", "94.37 73.51 46.64", UNSAID, SURVEY),
    _nasbench201("CARL (2025)", "80", "94.37 73.51 47.31", UNSAID, SURVEY),
    _nasbench201("CARL (2025), elsewhere", "80", "94.31 72.92 46.61", UNSAID, "another listing of the same paper"),
    _nasbench201("NPENAS-NP (2022)", "100", "94.31 73.46 46.48", UNSAID, SURVEY),
    _nasbench201("CoLLM-NAS (2025), two language models", "100", "94.37 73.44 46.79", "test, mean of 10", NOTE),
    _nasbench201("WeakPNAG (2024)", "128", "94.37 73.51 47.31", UNSAID, SURVEY),
    _nasbench201("SET-NAS (2024)", "200", "94.37 73.48 47.25", UNSAID, SURVEY),
    _nasbench201("HEP-ENAS (2024)", "200", "94.37 73.51 47.21", UNSAID, SURVEY),
    _nasbench201("PWLNAS (ICCV 2025)", "not said", "94.37 73.49 47.12", "test, mean of 30", NOTE),
    _nasbench101("WeakPNAG (2024)", "96", "94.27", UNSAID, SURVEY),
    _nasbench101("WeakNAS (2021)", "100 / 150 / 200", "93.66 / 94.10 / 94.17", "test; what it predicted best is counted too", "its notebook"),
    _nasbench101("CARL (2025)", "150", "94.23", UNSAID, SURVEY),
    _nasbench101("CAP (2024)", "150", "94.18", UNSAID, SURVEY),
    _nasbench101("NPENAS-NP (2022)", "150", "94.14", UNSAID, SURVEY),
    _nasbench101("LaNAS", "2056", "94.32", "the optimum, median of 41 runs", "its released runs"),
    _nasbench101("PWLNAS (ICCV 2025)", "not said", "94.20", UNSAID, NOTE),
    _nasbench101("FlowerFormer", "not said", "94.14", "one harness with PWLNAS", NOTE),
    _nasbench101("BANANAS", "not said", "94.08", "one harness with PWLNAS", NOTE),
)  # fmt: skip
TRANSNAS = {
    "class_scene": 2,
    "class_object": 1,
    "jigsaw": 17,
    "room_layout": 17,
    "segmentsemantic": 4,
    "normal": 8,
    "autoencoder": 66,
}
"""The rank of 4,096 that RoBoT found after 100 models, by task; its table 3."""
