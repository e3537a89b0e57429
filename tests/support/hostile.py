"""Results and searches whose every name tries to act on whoever opens a page of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import results
from search_folders import DATA, WINNER, entries, write_folder

from nassearch.search.store import Header, Store

TEXTS = (
    "</script><script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    '"><svg onload=window.hacked=1>',
    "' onmouseover='window.hacked=1",
    "javascript:window.hacked=1",
    '<a href="javascript:window.hacked=1">link</a>',
    "<style>*{display:none}</style>",
    "<base href=https://example.org/><meta http-equiv=refresh content='0;url=https://example.org'>",
    "</title></style></textarea></noscript><h1>x</h1>",
    "<!-- ]]> --!>",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "<b>bold</b><br><sub>low</sub><span style='color:red'>red</span>",
    "{{ 7 * 7 }}{% for x in y %}{# c #}",
    "%{y} ${x} $\\frac{1}{2}$ `${1}`",
    "\u202ebackwards\u2066\u200b",
    "line\u2028end\u2029\r\n\t\x00\x1b[31m",
    "\U0001f600 \u65e5\u672c\u8a9e \u0627\u0644\u0639",
    "a" * 3000,
    "constructor",
    "__proto__",
)


def hostile_files(folder: Path, text: str, name: str = "") -> list[Path]:
    """Write a result and the folder of a search with this text wherever a file can have one."""
    named = (name or text).replace("/", ";").replace("\x00", "")[:60]
    path = folder / f"{named}.jsonl"
    fields: dict[str, Any] = {
        **{"strategy": text, "benchmark": text, "dataset": text, "scorer": text, "warmup": 3, "move": text},
        **{"settings": {text: text, "list": [text]}, "quantity": text, "unit": text, text: text},
    }
    header = Header({**results.EXPERIMENT, **fields}, text, text, {text: text})
    with Store.open(path, header) as store:
        for each in results.rounds():
            store.append(each)
    return [path, write_folder(folder / f"{named} search", *_search(text))]


def _search(text: str) -> tuple[Any, Mapping[str, Any], Mapping[str, Any]]:
    trained = [
        replace(entry, text=f"{text} {n}", note=text, scores={text: entry.valid, f"{text}2": None})
        for n, entry in enumerate(entries(12))
    ]
    data = {**DATA, "name": text, "classes": [text, f"{text}2"], "notes": [text], "kind": text}
    made = {
        **{"strategy": text, "space": text, "scorer": text, "settings": {text: text}, "data": data},
        **{
            "objectives": ["accuracy", text, "latency"],
            "device": text,
            text: text,
            "constraints": {text: 1.5, "latency_by": text},
        },
    }
    return trained, made, {**WINNER, "text": text, text: text, "recipe": {**WINNER["recipe"], text: [text]}}
