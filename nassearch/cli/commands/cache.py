"""nassearch cache"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nassearch.cli.common import echo, echo_json, json_option, table


@click.group()
def cache() -> None:
    """Show or clear the scores that are kept.

    Scores are kept by what they depend on: space, task, batch, proxy, options, and the code of space and proxy. What
    is computed by other code is never read, so clearing frees room and makes no number truer.

    \b
    Examples:
      nassearch cache show
      nassearch cache clear --proxy synflow
    """


@cache.command()
@json_option
def show(as_json: bool) -> None:
    """Show how many scores there are, of what, and which files other releases have left.

    \b
    Examples:
      nassearch cache show
      nassearch cache show --json
    """
    from nassearch.scorers.cache.content import contents, other_files
    from nassearch.scorers.cache.file import cache_path

    path, found, others = cache_path(), contents(), other_files()
    if as_json:
        return echo_json(
            {
                "file": str(path),
                "bytes": _size(path),
                "contexts": found,
                "others": [{"file": str(other), "bytes": _size(other)} for other in others],
            }
        )
    if found:
        rows = [[*_name(each, "proxy"), *_name(each, "space"), each["scores"]] for each in found]
        table((), ["proxy", "its code", "space", "its code", "scores"], sorted(rows))
    echo(f"{sum(each['scores'] for each in found)} scores in {path}, {_size(path) / 1e6:.1f} MB")
    if others:
        echo("of other releases, or set aside (nassearch cache clear --others removes them):")
        echo(*(f"  {other}, {_size(other) / 1e6:.1f} MB" for other in others))


@cache.command()
@click.option("--proxy", default=None, metavar="NAME", help="Clear the scores of this proxy alone.")
@click.option("--others", is_flag=True, help="Remove the files of other releases, and what was set aside.")
@click.option("--all", "everything", is_flag=True, help="Remove every file, this release's too.")
@json_option
def clear(proxy: str | None, others: bool, everything: bool, as_json: bool) -> None:
    """Remove the scores that this release has kept; they are computed anew when they are asked for.

    \b
    Examples:
      nassearch cache clear
      nassearch cache clear --proxy synflow
      nassearch cache clear --others
    """
    from nassearch.scorers.cache.content import clear as forget
    from nassearch.scorers.cache.content import remove_files

    if sum([proxy is not None, others, everything]) > 1:
        raise click.UsageError("give --proxy NAME, or --others, or --all: at most one of the three")
    files: list[Path] = remove_files(own=everything) if others or everything else []
    scores = 0 if others or everything else forget(proxy)
    if as_json:
        return echo_json({"scores": scores, "files": list(map(str, files))})
    echo(*[f"removed: {file}" for file in files] or [f"{scores} scores removed"])


def _name(context: dict[str, Any], part: str) -> list[str]:
    name, code = context[part]
    return [str(name), str(code)]


def _size(path: Path) -> int:
    """Return the bytes of a file and of its log, which may hold most of them."""
    files = [path, path.with_name(f"{path.name}-wal")]
    return sum(file.stat().st_size for file in files if file.exists())
