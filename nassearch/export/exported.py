"""What an export has written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: paths by kind: `code`, `weights`, `card`, perhaps `program` and `onnx`.
        trained: whether the weights are.
        checked: on what the files were held against the searched network.
        gaps: how far logits were apart, as a share of the largest, by kind of file.
        facts: what the card says, as plain JSON.
    """

    files: Mapping[str, Path]
    trained: bool
    checked: str
    gaps: Mapping[str, float]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "files": {kind: str(path) for kind, path in self.files.items()},
            "weights": "trained" if self.trained else "drawn",
            "checked": {"on": self.checked, "gaps": dict(self.gaps)},
            **self.facts,
        }
