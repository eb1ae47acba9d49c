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
        "| jobs | a sweep, ms | its time on Lambda | call and schedule | reads of the ledger | in all |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    reads = prices["dynamoDbMillionReadUnits"] * prices["readUnitsOfAJob"]
    for sweep in run["sweeps"]:
        if sweep["sweep"] == "each minute":
            time = sweep["millis"] / 1000 * prices["monitorJobsGb"] * prices["lambdaGbSecond"] * MILLION / sweep["jobs"]
            call = (prices["lambdaMillionCalls"] + prices["scheduledMillionCalls"]) / sweep["jobs"]
            lines.append(
                f"| {sweep['jobs']:,} | {sweep['millis']:,.1f} | {time:.4f} | {call:.4f} | {reads:.4f} "
                f"| {time + call + reads:.4f} |"
            )
    return "\n".join(
        [
            f"Times of {run['at'][:10]}, {run['system']}, Java {run['java']}; list prices of {prices['region']} "
            f"for arm64 as known in {prices['asOf']}, in US dollars for a million checks:",
            "",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
