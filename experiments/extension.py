"""What a benchmark or a space costs to add: its own files, and the lines of other files of the package that name it.

    python experiments/extension.py

Lines are those that are not blank. A file is a part's own where its path names the part; what parts share, such as the
cells that NAS-Bench-201 and TransNAS have in common, is counted for none of them. Tests are counted in the same way.
"""

from __future__ import annotations

import re
from pathlib import Path

from _common import markdown

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "TransNAS-Bench-101": r"transnas",
    "NAS-Bench-Macro": r"nasbench[_-]?macro",
    "NAS-Bench-301, the space of DARTS": r"nasbench[_-]?301|darts",
    "columns of HW-NAS-Bench": r"hw[_-]?nas",
    "NAS-Bench-Suite-Zero": r"suite[_-]?zero",
    "mobile (a space)": r"(?<![a-z])mobile(?![a-z])",
}
HEAD = [
    "part",
    "own files",
    "their lines",
    "other files that name it",
    "lines there",
    "files of tests",
    "their lines",
]


def lines(path: Path) -> list[str]:
    """Return the lines of a file that are not blank."""
    return [line for line in path.read_text().splitlines() if line.strip()]


def named(folder: str, name: re.Pattern[str]) -> list[Path]:
    """Return the files of a folder whose path names a part."""
    return [
        path for path in sorted((ROOT / folder).rglob("*.py")) if name.search(f"/{path.relative_to(ROOT)}")
    ]


def row(part: str, pattern: str) -> list[object]:
    """Return what a part takes."""
    name = re.compile(pattern, re.I)
    own, tests = named("nassearch", name), named("tests", name)
    others = {path: lines(path) for path in sorted((ROOT / "nassearch").rglob("*.py")) if path not in own}
    found = {path: sum(bool(name.search(line)) for line in text) for path, text in others.items()}
    elsewhere = [count for count in found.values() if count]
    own_lines, test_lines = (sum(len(lines(path)) for path in paths) for paths in (own, tests))
    return [part, len(own), own_lines, len(elsewhere), sum(elsewhere), len(tests), test_lines]


if __name__ == "__main__":
    print(markdown(HEAD, [row(*each) for each in PARTS.items()]))
