"""nassearch export"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nassearch.cli.common import echo, echo_json, json_option

if TYPE_CHECKING:
    from nassearch.export.exported import Exported
    from nassearch.export.subject import Subject


@click.command()
@click.argument("result", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), default=Path("best.py"), show_default=True,
              help="File of code; weights, card and ONNX lie beside it.")  # fmt: skip
@click.option("--onnx", is_flag=True, help="Write ONNX too, held against torch by onnxruntime.")
@click.option("--arch", default=None, metavar="TEXT", help="This architecture. [default: the best of RESULT]")
@click.option("--space", default=None, metavar="SPACE", help="Of --arch, where there is no RESULT.")
@click.option("--input", "shape", default=None, metavar="SHAPE",
              help="Of one input, with --space. [default: 3,32,32]")  # fmt: skip
@click.option("--classes", type=int, default=None, help="Number of classes, with --space. [default: 10]")
@click.option("--retrained", is_flag=True, help="The best of what nassearch retrain has trained.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
def export(
    result: Path | None,
    out: Path,
    onnx: bool,
    arch: str | None,
    space: str | None,
    shape: str | None,
    classes: int | None,
    retrained: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the best network of RESULT as a file of PyTorch that needs nassearch no more.

    RESULT is the folder of nassearch search, or a result of nassearch run. Weights lie beside the file as safetensors,
    and a card in Markdown says what the network is. A search on a table has no weights: they are drawn.

    \b
    Examples:
      nassearch export results/my_images -o best.py --onnx
      nassearch export --space nasbench201 --arch 6111 --input 3,64,64 --classes 5
    """
    from nassearch.export.writing import check_places, paths_of
    from nassearch.export.writing import export as write

    check_places(paths_of(out, onnx), force)
    subject = _subject(result, arch, space, shape, classes, retrained)
    done = write(subject, out, onnx=onnx, force=force)
    if as_json:
        echo_json(done.as_dict())
        return
    _tell(done)


def _subject(
    result: Path | None,
    arch: str | None,
    space: str | None,
    shape: str | None,
    classes: int | None,
    retrained: bool,
) -> Subject:
    from nassearch.errors import InvalidSetting

    if result is None:
        if space is None or arch is None or retrained:
            raise InvalidSetting(
                "export needs a RESULT, or --space and --arch, such as --space nasbench201 --arch 6111"
            )
        from nassearch.export.results.named import named

        return named(space, arch, shape, classes)
    if space is not None or shape is not None or classes is not None:
        raise InvalidSetting(
            "RESULT says the space, the inputs and the classes: leave --space, --input and --classes out"
        )
    from nassearch.export.results.found import found_in

    return found_in(result, arch, retrained)


def _tell(done: Exported) -> None:
    names: dict[str, Any] = {
        "code": "code",
        "weights": "weights",
        "program": "program",
        "onnx": "onnx",
        "card": "card",
    }
    network = done.facts["network"]
    gaps = ", ".join(f"{kind} {apart:.1g}" for kind, apart in done.gaps.items())
    echo(f"{network['space']}: {network['architecture']}")
    echo(f"{network['params']:,} parameters, {network['flops']:,} multiply-accumulates", "")
    for kind, path in done.files.items():
        more = "  (drawn, not trained)" if kind == "weights" and not done.trained else ""
        more += f"  (opset {done.facts['onnx']['opset']})" if kind == "onnx" else ""
        echo(f"{names[kind] + ':':9}{path}{more}")
    echo("", f"held against the searched network on {done.checked}: logits apart by {gaps} of the largest")
