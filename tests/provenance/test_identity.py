"""What a number depends on is in its key: revisions of what is built in, digests of what is not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import golden
import pytest


@pytest.mark.parametrize("spec", golden.specs())
def test_no_score_moves_under_one_revision(spec: str) -> None:
    assert spec in golden.kept(), f"{spec} is new: keep its scores by python tests/support/golden.py"
    there, found = golden.kept()[spec], golden.measured(spec)
    where = golden.moved(spec, there["scores"], found["scores"])
    same = there["revision"] == found["revision"]
    assert not (where and same), (
        f"{spec} moved on {where}: raise its revision, then python tests/support/golden.py {spec}"
    )
    assert not where and same, f"put the new scores in: python tests/support/golden.py {spec}"


PART = {
    "plug/__init__.py": "",
    "plug/parts.py": """
        import json, random
        from pathlib import Path
        from nassearch.proxies import proxy
        from nassearch.spaces import NASBench201
        from nassearch.strategies import RandomSearch
        from .tools import weigh
        import beside
        CONFIG = json.loads(Path(__file__).with_name("config.json").read_text())
        STARTED = random.random()
        SEEN = {}

        @proxy(reference="an example")
        def weighed(networks, batch=None, *, scale=1.0):
            from plug import lazy
            SEEN[random.random()] = 1
            return [weigh(n) * CONFIG["factor"] + lazy.more() + beside.LEVEL for n in networks]

        class Space(NASBench201):
            width = 3
            def network(self, arch, task):
                SEEN[arch] = weigh(arch)
                return super().network(arch, task)

        class Search(RandomSearch):
            name = "plug"
            def ask(self):
                return weigh(super().ask())
    """,
    "plug/tools.py": "from plug.deep.constants import LEVEL\n\ndef weigh(n):\n    return LEVEL\n",
    "plug/deep/__init__.py": "",
    "plug/deep/constants.py": "LEVEL = 2\n",
    "plug/lazy.py": "def more():\n    return 1\n",
    "plug/config.json": '{"factor": 1}',
    "beside.py": "LEVEL = 1\n",
    "unused.py": "X = 1\n",
    "plug-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n",
}
CHANGES = {
    "plug/parts.py": ("n) * CONFIG", "n) + CONFIG"),
    "plug/tools.py": ("return LEVEL", "return LEVEL + 1"),
    "plug/deep/constants.py": ("2", "3"),
    "plug/deep/__init__.py": ("", "print"),
    "plug/lazy.py": ("1", "2"),
    "plug/config.json": ("1", "2"),
    "beside.py": ("1", "2"),
    "plug-1.0.dist-info/METADATA": ("Version: 1.0", "Version: 1.1"),
}
TELL = """
import sys
from plug import parts
from nassearch.provenance.identity import identity
print(*map(identity, (parts.weighed, parts.Space(), parts.Search)), sep="\\n")
"""


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


def told(folder: Path, code: str = TELL) -> list[str]:
    """Return what a new process prints; the folder is on its path."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=folder
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("plug")
    write(folder, PART)
    return folder, told(folder)


def test_the_same_code_is_the_same_elsewhere_and_in_every_process(
    unchanged: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, there = unchanged
    assert told(folder) == there
    assert all(text.startswith("plug 1.0, ") for text in there)
    assert len(set(there)) == 3
    write(tmp_path, PART)
    write(tmp_path, {"unused.py": "X = 2\n", "plug/unused.py": "X = 2\n"})
    assert told(tmp_path) == there


@pytest.mark.parametrize("file", CHANGES)
def test_whatever_a_part_is_made_of_changes_its_identity(
    file: str, unchanged: tuple[Path, list[str]], tmp_path: Path
) -> None:
    old, new = CHANGES[file]
    write(tmp_path, {**PART, file: PART[file].replace(old, new) or new})
    assert all(one != other for one, other in zip(told(tmp_path), unchanged[1], strict=True))


def test_a_file_with_the_old_time_and_size_is_another_file(tmp_path: Path) -> None:
    write(tmp_path, PART)
    before, state = told(tmp_path), (tmp_path / "beside.py").stat()
    (tmp_path / "beside.py").write_text("LEVEL = 7\n")
    os.utime(tmp_path / "beside.py", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert told(tmp_path)[0] != before[0]
