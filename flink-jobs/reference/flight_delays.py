#!/usr/bin/env python3
"""Says what the job flight-delays has to find, without Flink and without any of the job's code.

It is written to be read and believed: plain loops over the whole input, all in memory. It prints the job's lines,
sorted by airport and hour, byte for byte as the job writes them; with --late those of the flights that come too late.
With --job-version 2 the lines are those of the job's second version, which also names the worst flight of each hour.

    python3 flight_delays.py --input data/nycflights13 --from 2013-01-05 --to 2013-01-08
"""

import argparse
import csv
import json
import math
import pathlib
import re
import sys
from datetime import UTC, date, datetime, timedelta

HOUR = timedelta(hours=1)


def hour_of(row):
    """The hour that a row of either file belongs to, in UTC."""
    return datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def number(text):
    return None if text == "NA" else float(text)


def instant(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(text):
    """An ISO-8601 duration of days, hours, minutes and seconds."""
    parts = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    if parts is None or not any(parts.groups()):
        raise argparse.ArgumentTypeError(f"{text} isn't a duration such as PT22H")
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def read_weather(directory):
    weather = {}
    with (directory / "weather.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            weather[row["origin"], hour_of(row)] = {
                "temperatureFahrenheit": number(row["temp"]),
                "windSpeedMph": number(row["wind_speed"]),
                "precipitationInches": number(row["precip"]),
                "visibilityMiles": number(row["visib"]),
            }
    return weather


def read_flights(directory, first, last):
    """The flights from the day first up to, but without, the day last, both in New York."""
    with (directory / "flights.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            # The data's own date is New York's, so no time zone has to be computed here.
            if not first <= date(int(row["year"]), int(row["month"]), int(row["day"])) < last:
                continue
            hour = hour_of(row)
            scheduled = hour + timedelta(minutes=int(row["minute"]))
            delay = None if row["dep_delay"] == "NA" else int(row["dep_delay"])
            yield {
                "origin": row["origin"],
                "hour": hour,
                "carrier": row["carrier"],
                "number": int(row["flight"]),
                "scheduled": scheduled,
                "delay": delay,
                "known": scheduled + timedelta(minutes=delay or 0),
            }


def is_late(flight, lag):
    """Whether the flight's hour was already closed, lag after its end, when the flight became known."""
    return flight["hour"] + HOUR + lag <= flight["known"]


def summarise(delays):
    """The mean and the 95th percentile by nearest rank; None twice when nothing departed."""
    if not delays:
        return None, None
    rank = math.ceil(len(delays) * 95 / 100)
    return sum(delays) / len(delays), sorted(delays)[rank - 1]


def worst(departed):
    """The longest delay and its flight, of several the one that became known last; None twice when nothing departed."""
    if not departed:
        return None, None
    # Of those that became known in the same minute, the last in the file: max() would take the first.
    flight = max(reversed(departed), key=lambda f: (f["delay"], f["known"]))
    return flight["delay"], f"{flight['carrier']}{flight['number']}"


def hourly_lines(flights, weather, version):
    hours = {}
    for flight in flights:
        hours.setdefault((flight["origin"], flight["hour"]), []).append(flight)
    for (origin, hour), scheduled in sorted(hours.items()):
        departed = [flight for flight in scheduled if flight["delay"] is not None]
        mean, p95 = summarise([flight["delay"] for flight in departed])
        line = {
            "origin": origin,
            "hour": instant(hour),
            "flights": len(scheduled),
            "cancelled": len(scheduled) - len(departed),
            "meanDepartureDelayMinutes": mean,
            "p95DepartureDelayMinutes": p95,
        }
        if version == 2:
            line["worstDepartureDelayMinutes"], line["worstFlight"] = worst(departed)
        line["weather"] = weather.get((origin, hour))
        yield line


def late_lines(flights):
    for flight in sorted(flights, key=lambda f: (f["origin"], f["scheduled"], f["carrier"], f["number"])):
        yield {
            "origin": flight["origin"],
            "carrier": flight["carrier"],
            "number": flight["number"],
            "scheduledDeparture": instant(flight["scheduled"]),
            "departureDelayMinutes": flight["delay"],
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, type=pathlib.Path, help="directory of flights.csv and weather.csv")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date.min, help="first day, New York")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=date.max, help="day after the last")
    parser.add_argument("--watermark-lag", dest="lag", type=duration, default=duration("PT22H"), help="ISO-8601")
    parser.add_argument("--late", action="store_true", help="print the late flights instead of the hours")
    parser.add_argument("--job-version", dest="version", type=int, choices=(1, 2), default=1, help="which job's lines")
    arguments = parser.parse_args()

    for name in ("flights.csv", "weather.csv"):
        if not (arguments.input / name).is_file():
            sys.exit(f"There is no {arguments.input / name}: run `make data` first.")

    flights = list(read_flights(arguments.input, arguments.first, arguments.last))
    late = [flight for flight in flights if is_late(flight, arguments.lag)]
    if arguments.late:
        lines = late_lines(late)
    else:
        in_time = [flight for flight in flights if not is_late(flight, arguments.lag)]
        lines = hourly_lines(in_time, read_weather(arguments.input), arguments.version)
    for line in lines:
        print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
