"""The report on one day's departures: numbers, and a plot."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict
from zoneinfo import ZoneInfo

from airflow.providers.amazon.aws.hooks.s3 import S3Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.axes import Axes

NEW_YORK: Final = ZoneInfo("America/New_York")
AIRPORTS: Final = {"EWR": "Newark", "JFK": "John F. Kennedy", "LGA": "LaGuardia"}

_INK: Final = "#1f2933"
_MUTED: Final = "#7b8794"
_GRID: Final = "#e4e7eb"
_MEAN: Final = "#1d4e89"
_P95: Final = "#e07a1f"
_DEPARTED: Final = "#9fb3c8"
_CANCELLED: Final = "#c0392b"


class HourlyDelays(TypedDict):
    """A line of the job's result: the flights that one airport had scheduled in one hour."""

    origin: str
    hour: str
    flights: int
    cancelled: int
    meanDepartureDelayMinutes: float | None
    p95DepartureDelayMinutes: float | None
    weather: dict[str, float | None] | None


@dataclass(frozen=True)
class AirportSummary:
    """An airport's day.

    :param flights: how many were scheduled, the cancelled among them
    :param cancelled: how many of them never departed
    :param mean_delay_minutes: over all that departed; None when none did
    :param worst_hour: the local hour whose 95th percentile was the highest, such as ``18:00``; None when none departed
    :param worst_hour_p95_minutes: that percentile
    """

    airport: str
    flights: int
    cancelled: int
    mean_delay_minutes: float | None
    worst_hour: str | None
    worst_hour_p95_minutes: float | None


@dataclass(frozen=True)
class Report:
    """A day's report.

    :param day: the local day in New York, in ISO 8601
    :param flink_job_id: the execution that computed it
    """

    day: str
    flink_job_id: str
    airports: tuple[AirportSummary, ...]


def parse_rows(files: Iterable[str]) -> list[HourlyDelays]:
    """Read the job's result files, which hold a JSON object per line, and sort by airport and hour."""
    rows: list[HourlyDelays] = [json.loads(line) for text in files for line in text.splitlines() if line]
    return sorted(rows, key=lambda row: (row["origin"], row["hour"]))


def summarise(rows: Sequence[HourlyDelays], day: str, flink_job_id: str) -> Report:
    """Add up the hours."""
    airports = sorted({row["origin"] for row in rows})
    return Report(
        day, flink_job_id, tuple(_summarise(name, [row for row in rows if row["origin"] == name]) for name in airports)
    )


def write_report(report: Report, rows: Sequence[HourlyDelays], target: str) -> dict[str, str]:
    """Write the report's numbers and plot to a directory or below ``s3://bucket/prefix``; give their addresses."""
    name = f"flight-delays-{report.day}"
    write = _writer(target)
    return {
        "plot": write(f"{name}.png", draw(report, rows)),
        "numbers": write(f"{name}.json", json.dumps(asdict(report), indent=2).encode()),
    }


def draw(report: Report, rows: Sequence[HourlyDelays]) -> bytes:
    """Draw the day's delays, flights and cancellations by airport and hour, as PNG."""
    # Imported here, so that parsing the DAG doesn't pay for it.
    from matplotlib.figure import Figure

    names = [summary.airport for summary in report.airports]
    figure = Figure(figsize=(4.6 * len(names) + 0.6, 7.4), dpi=130, facecolor="white")
    axes = figure.subplots(
        2, len(names), sharex=True, sharey="row", squeeze=False, gridspec_kw={"height_ratios": (3, 2)}
    )
    for column, summary in enumerate(report.airports):
        hours = [row for row in rows if row["origin"] == summary.airport]
        _draw_delays(axes[0][column], summary, hours)
        _draw_flights(axes[1][column], hours)
    axes[0][0].set_ylabel("departure delay, minutes")
    axes[1][0].set_ylabel("scheduled flights")

    figure.subplots_adjust(left=0.065, right=0.985, top=0.825, bottom=0.12, wspace=0.06, hspace=0.06)
    flights = sum(summary.flights for summary in report.airports)
    cancelled = sum(summary.cancelled for summary in report.airports)
    day = date.fromisoformat(report.day)
    figure.text(
        0.065, 0.945, f"New York departures on {day:%A}, {day.day} {day:%B %Y}", size=17, weight="bold", color=_INK
    )
    figure.text(
        0.065,
        0.905,
        f"{flights:,} scheduled flights, {cancelled:,} cancelled. Delays of the flights that departed, "
        "by their scheduled hour.",
        size=11,
        color=_MUTED,
    )
    keys = [
        *axes[0][0].get_legend_handles_labels()[0],
        *axes[1][0].get_legend_handles_labels()[0],
    ]
    figure.legend(
        handles=keys,
        loc="upper right",
        bbox_to_anchor=(0.985, 0.985),
        ncols=2,
        frameon=False,
        fontsize=10,
        labelcolor=_INK,
    )
    figure.text(0.065, 0.03, f"Flink job {report.flink_job_id}", size=8.5, color=_MUTED)
    figure.text(0.985, 0.03, "hour of scheduled departure, New York time", size=10, color=_INK, ha="right")

    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _summarise(airport: str, hours: Sequence[HourlyDelays]) -> AirportSummary:
    departed = 0
    minutes = 0.0
    worst: tuple[float, str] | None = None
    for row in hours:
        mean, p95 = row["meanDepartureDelayMinutes"], row["p95DepartureDelayMinutes"]
        if mean is None or p95 is None:
            continue
        count = row["flights"] - row["cancelled"]
        departed += count
        minutes += mean * count
        if worst is None or p95 > worst[0]:
            worst = (p95, f"{_local(row):%H:%M}")
    return AirportSummary(
        airport=airport,
        flights=sum(row["flights"] for row in hours),
        cancelled=sum(row["cancelled"] for row in hours),
        mean_delay_minutes=round(minutes / departed, 2) if departed else None,
        worst_hour=worst[1] if worst else None,
        worst_hour_p95_minutes=worst[0] if worst else None,
    )


def _draw_delays(axes: Axes, summary: AirportSummary, hours: Sequence[HourlyDelays]) -> None:
    _style(axes)
    at = [_clock(row) for row in hours]
    mean = [_or_gap(row["meanDepartureDelayMinutes"]) for row in hours]
    p95 = [_or_gap(row["p95DepartureDelayMinutes"]) for row in hours]
    axes.spines["bottom"].set_visible(False)
    axes.axhline(0, color=_MUTED, linewidth=0.8)
    axes.fill_between(at, mean, p95, color=_P95, alpha=0.12, linewidth=0)
    axes.plot(at, p95, color=_P95, linewidth=1.8, marker="o", markersize=3.5, label="95th percentile of delays")
    axes.plot(at, mean, color=_MEAN, linewidth=2.2, marker="o", markersize=4, label="mean delay")
    axes.set_title(
        f"{AIRPORTS.get(summary.airport, '')}  {summary.airport}".strip(), loc="left", size=12.5, color=_INK, pad=8
    )
    if summary.mean_delay_minutes is not None:
        axes.set_title(f"mean {summary.mean_delay_minutes:.1f} min", loc="right", size=10.5, color=_MEAN, pad=8)


def _draw_flights(axes: Axes, hours: Sequence[HourlyDelays]) -> None:
    _style(axes)
    at = [_clock(row) for row in hours]
    departed = [row["flights"] - row["cancelled"] for row in hours]
    cancelled = [row["cancelled"] for row in hours]
    axes.bar(at, departed, width=0.78, color=_DEPARTED, label="departed")
    axes.bar(at, cancelled, width=0.78, bottom=departed, color=_CANCELLED, label="cancelled")
    axes.set_xlim(min(5, *at) - 0.8, 23.8)
    axes.set_xticks(range(6, 24, 3), [f"{hour}:00" for hour in range(6, 24, 3)])


def _style(axes: Axes) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_MUTED)
    axes.tick_params(colors=_INK, length=0, labelsize=9.5)
    axes.yaxis.label.set_color(_INK)
    axes.grid(axis="y", color=_GRID, linewidth=0.9)
    axes.set_axisbelow(True)


def _local(row: HourlyDelays) -> datetime:
    return datetime.fromisoformat(row["hour"]).astimezone(NEW_YORK)


def _clock(row: HourlyDelays) -> int:
    return _local(row).hour


def _or_gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _writer(target: str) -> Callable[[str, bytes], str]:
    if target.startswith("s3://"):

        def to_s3(name: str, data: bytes) -> str:
            address = f"{target.rstrip('/')}/{name}"
            bucket, key = S3Hook.parse_s3_url(address)
            S3Hook().load_bytes(data, key=key, bucket_name=bucket, replace=True)
            return address

        return to_s3

    def to_directory(name: str, data: bytes) -> str:
        directory = Path(target)
        directory.mkdir(parents=True, exist_ok=True)
        # Whole or not there: a reader never sees half a file.
        part = directory / f".{name}.part"
        part.write_bytes(data)
        file = part.replace(directory / name)
        return str(file)

    return to_directory
