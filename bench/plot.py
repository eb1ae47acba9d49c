"""Draws what `make bench` measured, and with --publish puts table and picture into docs/performance.md."""

from __future__ import annotations

import argparse
import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import page
from matplotlib import ticker

PICTURE = page.ROOT / "docs" / "cold-starts.svg"
COLOURS = {
    "native": "#0b6e4f",
    "other": "#3f8fc5",
    "jvm": "#9aa5b1",
    "jvm + aot": "#52606d",
    "python": "#c8811a",
    "asking floor": "#8795a1",
    "floor": "#b8c4ce",
}

# Which asks nobody, and which asks as often as the functions.
FLOORS = ("floor", "asking floor")

Key = tuple[str, str, bool]


def main(argv: Sequence[str] | None = None) -> None:
    """Reads the samples and draws them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path, help="what the bench has written")
    arguments.add_argument("--publish", action="store_true", help="write into docs/performance.md")
    options = arguments.parse_args(argv)
    run = json.loads(options.file.read_text())
    target = PICTURE if options.publish else options.file.with_suffix(".svg")
    draw(run, target)
    text = table(run)
    print(text)
    print(f"The picture is {target.relative_to(page.ROOT) if target.is_relative_to(page.ROOT) else target}")
    if options.publish:
        says = "How long each first submit-job took, by contender"
        page.publish("plot.py", page.shown(PICTURE, says) + text)
        print("The table is in docs/performance.md")


def grouped(run: dict[str, Any]) -> dict[Key, dict[str, list[dict[str, Any]]]]:
    """The samples by verb, cluster and whether the files came from the disk, then by contender."""
    groups: dict[Key, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for sample in run["samples"]:
        groups[sample["verb"], sample["cluster"], sample["evicted"]][sample["contender"]].append(sample)
    return groups


def quantile(samples: list[dict[str, Any]], which: float, of: str = "millis") -> float:
    """That share of all isn't above it, in milliseconds; the median between two where the middle lies between them."""
    millis = sorted(sample[of] for sample in samples)
    return float(statistics.median(millis) if which == 0.5 else millis[round(which * (len(millis) - 1))])


def beside(value: float, others: list[dict[str, Any]] | None, of: str = "millis", form: str = ".2f") -> str:
    """A value as a multiple of the others' median; nothing where there are none."""
    return f"{value / quantile(others, 0.5, of):{form}}" if others else ""


def table(run: dict[str, Any]) -> str:
    """Markdown: one row for each contender of each verb, cluster and state of the disk's cache."""
    groups = grouped(run)
    floors = {evicted: groups.get(("submit-job", "none", evicted), {}).get("floor") for evicted in (False, True)}
    lines = [
        f"One run of {run['at'][:10]}, {run['rounds']} starts of each in turns; {run['processors']} processors, "
        f"{run['system']}, load {run['load']:.1f} before and {run['loadAtEnd']:.1f} at the end, Java {run['java']}, "
        f"Python {run['python']}. The p99 of less than a hundred is the largest.",
        "",
        "| function | cluster | files | of | p50, ms | p90 | p99 | / Python | / floor | asks "
        "| its own p50 | / Python's own | RSS, MiB |",
        "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (verb, cluster, evicted), contenders in sorted(groups.items()):
        alone = cluster == "none"
        for name in (name for name in COLOURS if name in contenders):
            samples = contenders[name]
            p50 = quantile(samples, 0.5)
            python = contenders.get("python")
            floor = floors[evicted]
            own = quantile(samples, 0.5, "ownMillis")
            lines.append(
                f"| {'only answers' if alone else f'`{verb}`'} | {'' if alone else cluster} "
                f"| {'on disk' if evicted else 'cached'} | {name} | {p50:,.0f} "
                f"| {quantile(samples, 0.9):,.0f} | {quantile(samples, 0.99):,.0f} "
                f"| {beside(p50, python)} | {beside(p50, floor, form=',.1f')} "
                f"| {statistics.median(sample['calls'] for sample in samples):.0f} | {own:,.0f} "
                f"| {beside(own, python, 'ownMillis')} "
                f"| {statistics.median(sample['megabytes'] for sample in samples):,.0f} |"
            )
    sizes = ", ".join(f"{name} {size / 1e6:,.1f} MB" for name, size in run["artifacts"].items())
    return "\n".join(
        [*lines, "", f"What is uploaded: {sizes}.", "", *warm_table(run), *throughput(run), *wanted_table(run)]
    )


def warm_table(run: dict[str, Any]) -> list[str]:
    """Markdown: one row for each contender of each verb that was called again and again."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for sample in run["warm"]:
        groups[sample["verb"], sample["contender"]].append(sample)
    lines = [
        "| call repeated | of | n | asks | p50, ms | its own p50 | p90 | p99 | own p50 / floor | / asking floor |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for verb in sorted({verb for verb, _ in groups}):
        floors = [quantile(floor, 0.5, "ownMillis") for floor in (groups.get((verb, name)) for name in FLOORS) if floor]
        for name in (name for name in COLOURS if (verb, name) in groups):
            samples = groups[verb, name]
            own = [quantile(samples, which, "ownMillis") for which in (0.5, 0.9, 0.99)]
            calls = statistics.median(sample["calls"] for sample in samples)
            lines.append(
                f"| `{verb}` | {name} | {len(samples)} | {calls:.0f} "
                f"| {quantile(samples, 0.5):,.1f} | {own[0]:,.2f} | {own[1]:,.2f} | {own[2]:,.2f} "
                f"| {' | '.join(f'{own[0] / floor:.1f}' for floor in floors) or ' | '} |"
            )
    return [*lines, ""]


def throughput(run: dict[str, Any]) -> list[str]:
    """A sentence on each contender that started as many jobs as it could."""
    return [
        f"{result['processes']} {result['contender']} processes started {result['submissions']} jobs on one cluster, "
        f"{result['perMinute']:.0f} a minute; by the JobManager's log none began twice, and none was missing.\n"
        for result in run["throughput"]
    ]


@dataclass(frozen=True)
class Wanted:
    """A figure that the native package is to reach.

    measured: absent when who it is compared with wasn't there
    """

    what: str
    bound: float
    measured: float | None
    unit: str = ""
    at_least: bool = False

    def row(self) -> str:
        """A row of a table."""
        sign = "≥" if self.at_least else "≤"
        if self.measured is None:
            return f"| {self.what} | {sign} {self.bound:g}{self.unit} | not measured | |"
        reached = self.measured >= self.bound if self.at_least else self.measured <= self.bound
        measured = float(f"{self.measured:.3g}")
        return (
            f"| {self.what} | {sign} {self.bound:g}{self.unit} | {measured:g}{self.unit} "
            f"| {'yes' if reached else '**no**'} |"
        )


def wanted(run: dict[str, Any]) -> list[Wanted]:
    """What is wanted of the native package's figures, and what they are in this run."""
    groups = grouped(run)

    def ratio(to: str, which: float, evicted: bool, of: str = "millis") -> float | None:
        ours = groups["submit-job", "session", evicted].get("native")
        theirs = groups["submit-job", "none" if to == "floor" else "session", evicted].get(to)
        return quantile(ours, which, of) / quantile(theirs, which, of) if ours and theirs else None

    def memory(cluster: str) -> float | None:
        ours = groups["submit-job", cluster, False].get("native")
        return statistics.median(sample["megabytes"] for sample in ours) if ours else None

    rows = []
    for evicted, files in ((False, "cached"), (True, "on disk")):
        rows += [
            Wanted(f"cold `submit-job`, files {files}: p50 / Python's", 0.2, ratio("python", 0.5, evicted)),
            Wanted(f"cold `submit-job`, files {files}: p99 / Python's", 0.35, ratio("python", 0.99, evicted)),
            Wanted(
                f"cold `submit-job`, files {files}, its own time: p50 / Python's",
                0.2,
                ratio("python", 0.5, evicted, "ownMillis"),
            ),
            Wanted(f"cold `submit-job`, files {files}: p50 / the JVM package's", 0.1, ratio("jvm", 0.5, evicted)),
            Wanted(
                f"cold `submit-job`, files {files}: p50 / floor's", 12 if evicted else 4, ratio("floor", 0.5, evicted)
            ),
        ]
    size = run["artifacts"].get("native")
    rows += [
        Wanted("held behind the first `submit-job`, session cluster", 64, memory("session"), " MiB"),
        Wanted("held behind the first `submit-job`, Managed Flink", 80, memory("managed"), " MiB"),
        Wanted("uploaded, for both kinds of cluster", 30, size and size / 1e6, " MB"),
    ]
    for verb in ("submit-job", "job-status", "monitor-jobs"):
        ours, *floors = (
            [one for one in run["warm"] if (one["verb"], one["contender"]) == (verb, name)]
            for name in ("native", *FLOORS)
        )
        if ours:
            own = quantile(ours, 0.5, "ownMillis")
            rows += [
                Wanted(f"repeated `{verb}`, its own time: p50 / {name}'s", 1.5, own / quantile(floor, 0.5, "ownMillis"))
                for name, floor in zip(FLOORS, floors, strict=True)
                if floor
            ]
            rows.append(Wanted(f"repeated `{verb}`, its own time: p99", 5, quantile(ours, 0.99, "ownMillis"), " ms"))
    rows += [
        Wanted("jobs started in a minute, none twice", 300, result["perMinute"], at_least=True)
        for result in run["throughput"]
    ]
    return rows


def wanted_table(run: dict[str, Any]) -> list[str]:
    """Markdown: one row for each figure that is wanted."""
    return [
        "| of the native package | wanted | measured | reached |",
        "|---|---:|---:|---|",
        *(one.row() for one in wanted(run)),
        "",
    ]


def draw(run: dict[str, Any], target: Path) -> None:
    """All cold submissions as dots, the median as a line; one panel for each cluster and state of the cache."""
    panels = [
        (key, group) for key, group in sorted(grouped(run).items()) if key[0] == "submit-job" and key[1] != "none"
    ]
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, 1.6 * len(panels) + 0.8), sharex=True, squeeze=False)
    for axis, ((_, cluster, evicted), contenders) in zip(axes[:, 0], panels, strict=True):
        names = [name for name in reversed(COLOURS) if name in contenders]
        for row, name in enumerate(names):
            millis = [sample["millis"] for sample in contenders[name]]
            offsets = [row + 0.28 * ((index * 37 % 101) / 50 - 1) for index in range(len(millis))]
            axis.scatter(millis, offsets, s=7, color=COLOURS[name], alpha=0.6, linewidths=0)
            median = quantile(contenders[name], 0.5)
            axis.plot([median, median], [row - 0.38, row + 0.38], color=COLOURS[name], linewidth=2)
            axis.annotate(f"{median:,.0f} ms", (median, row + 0.42), ha="center", va="bottom", fontsize=7)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(-0.6, len(names) - 0.1)
        axis.set_title(
            f"first submit-job, {cluster} cluster, files {'on disk' if evicted else 'cached'}", fontsize=9, loc="left"
        )
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 3, 5)))
        axis.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axis.xaxis.set_minor_formatter(ticker.NullFormatter())
        axis.grid(axis="x", which="both", linewidth=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("milliseconds from the start of the process to its answer")
    figure.tight_layout()
    page.save(figure, target)


if __name__ == "__main__":
    main()
