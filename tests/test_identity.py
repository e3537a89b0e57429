"""What a number depends on is in its key: revisions of what is built in, digests of what is not."""

from __future__ import annotations

import golden
import pytest


@pytest.mark.parametrize("spec", golden.specs())
def test_no_score_moves_under_one_revision(spec: str) -> None:
    there, found = golden.kept()[spec], golden.measured(spec)
    where = golden.moved(there["scores"], found["scores"])
    same = there["revision"] == found["revision"]
    assert not (where and same), (
        f"{spec} moved on {where}: raise its revision, then python tests/golden.py {spec}"
    )
    assert not where and same, f"put the new scores in: python tests/golden.py {spec}"
