"""Flags for what a network may cost, and for searches that cost is an objective of."""

from __future__ import annotations

from typing import Any

import click

from nassearch.cli.common import shared

limit_options = shared(
    click.option("--max-params", default=None, metavar="N", help="Most parameters, such as 500k or 1.5M."),
    click.option("--max-flops", default=None, metavar="N", help="Most multiply-accumulates of one input, such as 30M."),
    click.option("--max-latency", default=None, metavar="TIME", help="Longest time for one input, such as 5ms."),
    click.option("--max-memory", default=None, metavar="BYTES",
                 help="Most memory while one input passes, weights included, such as 100MB."),
    click.option("--latency-by", default=None, metavar="HOW",
                 help="measured on this machine, MODULE:FUNCTION of the model, in milliseconds, or a metric of the "
                 "benchmark. [default: measured]"),
)  # fmt: skip
objectives_option = click.option(
    "--objectives",
    default=None,
    metavar="A,B",
    help="Search for the front of several: accuracy, and latency, params, flops, memory or a metric of the benchmark.",
)
NAMES = ("max_params", "max_flops", "max_latency", "max_memory", "latency_by")


def limits_of(flags: dict[str, Any]) -> Any:
    """Take these flags out of those of a command, and return the limits that they mean; None where there are none.

    Raises:
        InvalidSetting: one cannot be read, or latencies come from somewhere and have no limit.
    """
    given = {name: flags.pop(name) for name in NAMES}
    if not any(given.values()):
        return None
    from nassearch.constraints.limits import Constraints
    from nassearch.errors import InvalidSetting

    constraints = Constraints.of_flags(given)
    objectives = [name.strip() for name in (flags.get("objectives") or "").split(",")]
    if given["latency_by"] and constraints.latency is None and "latency" not in objectives:
        raise InvalidSetting(
            "--latency-by says where latencies come from, and none has a limit or is an objective: add --max-latency, "
            "or latency to --objectives"
        )
    return constraints
