"""What a data set has and what an import came to, in lines."""

from __future__ import annotations

from typing import Any

from nassearch.cli.common import echo, text


def metric_told(told: dict[str, Any]) -> str:
    """Say in a line what a further metric is, and where its values lie."""
    from nassearch.statistics.digits import SIGNIFICANT, writer

    median, *ends = ([told[name]] for name in ("median", "lowest", "highest"))
    middle, low, high = (writer(value, SIGNIFICANT)(value[0]) for value in (median, *ends))
    return (
        f"{told['quantity']}, {told['better']} is better: {middle} {told['unit']} in the median, {low} to {high}, "
        f"of {told['known']} architectures"
    )


def tell_metrics(part: Any, made: Any) -> None:
    """Say what an import of further metrics made."""
    declared = part.find(made.dataset).metrics_by_name
    written = "" if made.written else " (there already)"
    echo(
        f"{made.dataset}: {len(made.metrics)} metrics of {part.make_space(made.dataset).size} architectures{written}"
    )
    for name, (low, high) in zip(made.metrics, made.ranges, strict=True):
        metric = declared[name]
        better = "higher" if metric.higher_is_better else "lower"
        echo(f"  {name}: {metric.quantity}, {low:.4g} to {high:.4g} {metric.unit}, {better} is better")
    if made.ignored:
        echo(f"  columns not used: {', '.join(made.ignored)}")
    echo(f"  {made.path}")


def tell_table(part: Any, t: Any) -> None:
    """Print what became of one data set."""
    from nassearch.benchmarks.tabular import NO_TEST, NO_VALIDATION

    epochs = f", {t.epochs} epochs" if t.epochs else ""
    epochs += f" and shorter of {', '.join(map(str, t.shorter))}" if t.shorter else ""
    state = "written" if t.written else "there already"
    published = part.published.get(t.dataset, t.architectures)
    of = f" of {published} published" if published != t.architectures else ""
    echo(
        f"{t.dataset}: {t.architectures} architectures{of}, {t.trainings} trainings{epochs}, best "
        f"{'test' if t.tested else 'valid'} {text(t.best_test)}, {state}: {t.path}"
    )
    if not t.validated:
        echo(f"{t.dataset}: validation values: {NO_VALIDATION}")
    if not t.tested:
        echo(f"{t.dataset}: test values: {NO_TEST}")
