"""Tables for notebooks: HTML whose text does nothing but be read, and frames of pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from nassearch.errors import InvalidSetting
from nassearch.files.inert import inert


def html(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a line of title and a table as HTML.

    >>> html("<b>", ["a"], [[1]])
    '<p>&lt;b&gt;</p><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{_cell(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<p>{_cell(title)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return escape("-" if value is None else inert(value))


def frame(columns: Mapping[str, Any]) -> Any:
    """Return a pandas.DataFrame of columns by name.

    Raises:
        InvalidSetting: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise InvalidSetting(
            "a frame is one of pandas, which is not installed: pip install pandas, or install nassearch with its extra "
            "notebook"
        ) from error
    return pandas.DataFrame(dict(columns))


def frame_of_rows(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return a pandas.DataFrame of rows that have the same names.

    Raises:
        InvalidSetting: pandas is not installed.
    """
    return frame({name: [row[name] for row in rows] for name in (rows[0] if rows else ())})
