"""The card of a network: what it was trained on and how, how good it is, what it costs, how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nassearch import __version__
from nassearch.export.exported import Exported
from nassearch.export.markdown import fenced, item, rows, said
from nassearch.export.subject import Subject
from nassearch.statistics.digits import SIGNIFICANT, writer

MOST_CLASSES = 200
"""Names of classes on a card; the file of code has all."""
DRAWN = "**The weights are drawn, not trained.** The architecture comes without weights: train it before it is used."
LATENCY = (
    "one input, float32, one thread of the processor of the machine that wrote this card: the lowest median of blocks "
    "of runs, warmed up"
)
LICENCE = "Licence: *to be filled in; that of the data may bind the weights.*"


def write_card(subject: Subject, done: Exported) -> str:
    """Return the card as Markdown; text from outside is text in it, and nothing else."""
    facts = done.facts
    lines = [f"# {said(done.files['code'].stem)}", ""]
    lines += [] if done.trained else [DRAWN, ""]
    names = "load" if subject.reads.words else "load, predict"
    lines += ["## Use", "", "```python", f"from {done.files['code'].stem} import {names}", ""]
    lines += ["network = load()"]
    lines += [] if subject.reads.words else ["predict(network, inputs)  # raw inputs, as normalise() says"]
    lines += ["```", "", *_files(done), ""]
    for heading, body in (
        ("Data", _data(facts.get("data"))),
        ("How good it is", _accuracy(facts.get("accuracy"), facts.get("beside"))),
        ("What it costs", _costs(facts["network"])),
        ("Training", _recipe(facts.get("training"))),
        ("How it was found", _search(facts.get("search"))),
    ):
        lines += [f"## {heading}", "", *body, ""] if body else []
    lines += ["The architecture, as its space writes it:", "", *fenced(subject.text), ""]
    lines += ["## Limits", "", *_limits(subject, done), "", LICENCE]
    return "\n".join(lines) + "\n"


def _files(done: Exported) -> list[str]:
    about = {
        "code": "the network in PyTorch, with all there is to know of its inputs; it needs torch and safetensors",
        "weights": "its weights" if done.trained else "weights that are drawn, not trained",
        "program": "its computation as a program of torch.export",
    }
    if "onnx" in done.files:
        of = done.facts["onnx"]
        about["onnx"] = (
            f"ONNX of opset {of['opset']}: `{of['input']}` to `{of['output']}`, any number of inputs at a time; "
            "classes and normalisation are in its metadata"
        )
    lines = [f"- {said(path.name)}: {about[kind]}" for kind, path in done.files.items() if kind in about]
    gaps = ", ".join(
        f"{'PyTorch' if kind == 'code' else 'ONNX'} {apart:.1g}" for kind, apart in done.gaps.items()
    )
    held = f"Held against the searched network on {done.checked}; logits differ, as a share of the largest, by: {gaps}."
    return [*lines, "", held]


def _data(data: Mapping[str, Any] | None) -> list[str]:
    if data is None:
        return []
    classes = data["classes"]
    names = ", ".join(said(name) for name in classes[:MOST_CLASSES])
    more = f" and {len(classes) - MOST_CLASSES} more" if len(classes) > MOST_CLASSES else ""
    sizes = ", ".join(f"{part} {count}" for part, count in data["sizes"].items())
    found = [
        ("name", said(data["name"])),
        ("content", f"`{said(data['digest'])}` (a hash of examples and split)"),
    ]
    found += [("examples", sizes), ("one example", f"{said(data['kind'])} of {_shape(data['shape'])}")]
    found += [(f"{len(classes)} classes", names + more)]
    notes = [item(note) for note in data.get("notes", [])]
    return [*rows(("", ""), found), *([""] if notes else []), *notes]


def _accuracy(found: Mapping[str, Any] | None, beside: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return ["Nobody has measured it."]
    unit = said(found.get("unit", "percent"))
    lines = []
    if found.get("valid") is not None:
        lines.append(("validation", f"{_number(found['valid'])} {unit}", said(found.get("valid_note", ""))))
    if found.get("test") is not None:
        ends = [_number(end) for end in found.get("test_interval") or ()]
        between = f", 95 % interval {' to '.join(ends)}" if ends else ""
        count = f" ({found['test_examples']} examples)" if found.get("test_examples") else ""
        lines.append(
            ("test", f"{_number(found['test'])} {unit}{between}{count}", said(found.get("test_note", "")))
        )
    else:
        lines.append(("test", "not looked at", said(found.get("test_note", ""))))
    told = rows((said(found.get("quantity", "accuracy")), "", ""), lines)
    return [*told, *(["", said(beside["sentence"])] if beside else [])]


def _costs(network: Mapping[str, Any]) -> list[str]:
    found = [
        ("parameters", f"{network['params']:,}"),
        (f"multiply-accumulates of one {'word' if network['words'] else 'input'}", f"{network['flops']:,}"),
    ]
    found += [("memory of parameters and activations, one input", f"{network['memory']:,} bytes")]
    found += [("latency", f"{_number(network['latency_ms'])} ms ({LATENCY})")]
    return [*rows(("", ""), found), "", f"Inputs have the shape {_shape(network['input_shape'])}."]


def _recipe(training: Mapping[str, Any] | None) -> list[str]:
    if training is None:
        return []
    recipe = [(said(name), said(value)) for name, value in training["recipe"].items()]
    told = f"{_number(training['seconds'])} seconds" + (
        f", {said(training['note'])}" if training.get("note") else ""
    )
    return [*rows(("recipe", ""), recipe), "", f"Training took {told}."]


def _search(search: Mapping[str, Any] | None) -> list[str]:
    if search is None:
        return ["The architecture was named by hand."]
    return rows(("", ""), [(said(name), said(value)) for name, value in search.items() if value is not None])


def _limits(subject: Subject, done: Exported) -> list[str]:
    lines = ["- It knows its own classes alone, and names one of them whatever it is shown."]
    if subject.reads.words:
        lines = ["- It knows the words of its vocabulary by their numbers alone."]
    if done.facts.get("data"):
        lines.append("- How good it is was measured on data like those above; elsewhere it may be worse.")
        lines.append("- The figures are of one training; another seed gives other ones.")
    if not subject.reads.mean and not subject.reads.words:
        lines.append("- How inputs are normalised and what the classes are called is not known.")
    lines.append(
        f"- Written by nassearch {__version__}. *What else to know before it is used is to be filled in.*"
    )
    return lines


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(str(int(size)) for size in shape)


def _number(value: float) -> str:
    return writer([value], SIGNIFICANT)(value)
