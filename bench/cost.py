"""What a million checks of jobs cost: the times that `make bench-sweep` measured, at the prices of bench/prices.json.

A check is one job in one sweep of `monitor-jobs`, which comes each minute. With --publish the table goes into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import page

PRICES = page.ROOT / "bench" / "prices.json"
MILLION = 1_000_000


def main(argv: Sequence[str] | None = None) -> None:
    """Reads the times and the prices, and multiplies."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path, help="what the bench has written")
    arguments.add_argument("--publish", action="store_true", help="write into docs/performance.md")
    options = arguments.parse_args(argv)
    run = json.loads(options.file.read_text())
    prices = json.loads(PRICES.read_text())
    text = table(run, prices)
    print(text)
    if options.publish:
        page.publish("cost.py", text)


def table(run: dict[str, Any], prices: dict[str, Any]) -> str:
    """Markdown: one row for each number of jobs; US dollars for a million checks."""
    lines = [
        "| jobs | a sweep, ms | waits for answers, ms | Lambda's time, at least | at most | call and schedule "
        "| reads of the ledger | in all, at least | at most |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for sweep in run["sweeps"]:
        if sweep["sweep"] == "each minute":
            cells = [f"{cost:.4f}" for cost in costs(sweep, prices)]
            waits = waited(sweep, prices)
            lines.append(f"| {sweep['jobs']:,} | {sweep['millis']:,.1f} | {waits:,.1f} | {' | '.join(cells)} |")
    return "\n".join(
        [
            f"Times of {run['at'][:10]}, {run['system']}, Java {run['java']}; list prices of {prices['region']} "
            f"for arm64 as known in {prices['asOf']}, in US dollars for a million checks:",
            "",
            *lines,
            "",
        ]
    )


def waited(sweep: dict[str, Any], prices: dict[str, Any]) -> float:
    """How long a sweep waits for Flink and DynamoDB, which take no time in the bench; milliseconds."""
    asked: float = sweep["toFlink"] + sweep["reads"]
    return asked * float(prices["millisOfAnAnswer"]) / float(prices["looksAtOnce"])


def costs(sweep: dict[str, Any], prices: dict[str, Any]) -> list[float]:
    """Lambda's time at least and at most, call and schedule, reads, and all of it at least and at most.

    At most: with the share of a processor that the function's memory gives it, if it never waits for anything else.
    """
    jobs = sweep["jobs"]
    second = prices["monitorJobsGb"] * prices["lambdaGbSecond"] * MILLION / jobs
    waits = waited(sweep, prices)
    least, most = (
        (computes + waits) / 1000 * second
        for computes in (sweep["millis"], sweep["millis"] / prices["monitorJobsProcessors"])
    )
    call = (prices["lambdaMillionCalls"] + prices["scheduledMillionCalls"]) / jobs
    units = prices["readUnitsOfAJob"] + prices["readUnitsOfALook"] * sweep["reads"] / jobs
    reads = prices["dynamoDbMillionReadUnits"] * units
    return [least, most, call, reads, least + call + reads, most + call + reads]


if __name__ == "__main__":
    main()
