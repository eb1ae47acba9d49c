from __future__ import annotations

import json
from pathlib import Path

import pytest

from fake_aws import FakeAws
from flight_delays.report import AirportSummary, HourlyDelays, parse_rows, summarise, write_report

DATA = Path(__file__).parent / "data" / "flight-delays-2013-01-16.jsonl"


def row(origin: str, hour: int, flights: int, cancelled: int, mean: float | None, p95: float | None) -> HourlyDelays:
    return {
        "origin": origin,
        "hour": f"2013-01-16T{hour:02}:00:00Z",
        "flights": flights,
        "cancelled": cancelled,
        "meanDepartureDelayMinutes": mean,
        "p95DepartureDelayMinutes": p95,
        "weather": None,
    }


def test_parse_rows_files_in_any_order_are_sorted_by_airport_and_hour() -> None:
    lines = DATA.read_text().splitlines()

    rows = parse_rows(["\n".join(reversed(lines[20:])) + "\n", "", "\n".join(lines[:20])])

    assert rows == [json.loads(line) for line in lines]


def test_summarise_hours_are_weighted_by_flights_that_departed() -> None:
    rows = [row("JFK", 12, 4, 1, 10.0, 30), row("JFK", 13, 2, 1, 50.0, 50), row("JFK", 14, 3, 3, None, None)]

    report = summarise(rows, "2013-01-16", "f00")

    assert report.airports == (
        AirportSummary(
            airport="JFK",
            flights=9,
            cancelled=5,
            mean_delay_minutes=20.0,
            worst_hour="08:00",
            worst_hour_p95_minutes=50,
        ),
    )


def test_summarise_nothing_departed_has_no_delays() -> None:
    (airport,) = summarise([row("LGA", 14, 3, 3, None, None)], "2013-01-16", "f00").airports

    assert (airport.mean_delay_minutes, airport.worst_hour, airport.worst_hour_p95_minutes) == (None, None, None)


@pytest.mark.parametrize(
    "rows",
    [
        parse_rows([DATA.read_text()]),
        [row("LGA", 14, 3, 3, None, None)],
        [row("EWR", 6, 1, 0, 3.0, 3), row("XYZ", 12, 1, 0, -2.0, -2)],
    ],
    ids=["day", "all-cancelled", "one-at-night"],
)
def test_write_report_any_rows_leaves_picture_and_numbers(tmp_path: Path, rows: list[HourlyDelays]) -> None:
    report = summarise(rows, "2013-01-16", "f00")

    written = write_report(report, rows, str(tmp_path / "new"))

    assert written == {
        "plot": str(tmp_path / "new" / "flight-delays-2013-01-16.png"),
        "numbers": str(tmp_path / "new" / "flight-delays-2013-01-16.json"),
    }
    assert Path(written["plot"]).read_bytes().startswith(b"\x89PNG")
    numbers = json.loads(Path(written["numbers"]).read_text())
    assert [airport["airport"] for airport in numbers["airports"]] == sorted({row["origin"] for row in rows})
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [
        "flight-delays-2013-01-16.json",
        "flight-delays-2013-01-16.png",
    ]


def test_write_report_to_bucket_puts_objects(aws: FakeAws) -> None:
    rows = parse_rows([DATA.read_text()])

    written = write_report(summarise(rows, "2013-01-16", "f00"), rows, "s3://reports/flights/")

    assert written["plot"] == "s3://reports/flights/flight-delays-2013-01-16.png"
    assert aws.objects["reports", "flights/flight-delays-2013-01-16.png"].startswith(b"\x89PNG")
