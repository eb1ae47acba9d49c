"""The demo: the example DAGs in the real Airflow, and their results held against the reference program."""

from __future__ import annotations

import datetime
import enum
import functools
import importlib.util
import json
import math
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

from stack import upgrade
from stack.cloud import readable_errors
from stack.errors import StackError
from stack.hours import HourRun, check, committed, latency, table
from stack.progress import Progress
from stack.settings import DATA_BUCKET, REGION, STAGE, Settings

NEW_YORK: Final = zoneinfo.ZoneInfo("America/New_York")
DAYS: Final = tuple(datetime.date(2013, 1, day) for day in (5, 6, 7))
DAILY: Final = "flight_delays_daily"
STREAM: Final = "flight_delays_stream"
HOURS_STREAM: Final = "flight_hours_stream"
HOUR_READY: Final = "flight_hour_ready"
DISPATCHER: Final = "flight_delays_events"
HOURS_JOB: Final = "flight-hours"
HOURS_RESULTS: Final = "results/flight-hours"
# How many hours have to start their run.
HOURS_WANTED: Final = 5
# Seconds of the year in one second: the first hour is finished when 23 of them have gone, and then one each 5 s.
HOURS_REPLAY: Final = 720
UPGRADE: Final = "flight_delays_upgrade"
UPGRADE_RESULTS: Final = "results/flight-delays-upgrade"
MANAGED_STREAM: Final = "flight_delays_stream_managed"
STREAM_RESULTS: Final = "results/flight-delays-stream"
# By infra/cdk/settings/local.json, and the stream's name.
APPLICATION: Final = "sluiceway-local-flight-delays-stream"
TRIES: Final = 5
PATIENCE_SECONDS: Final = 900.0
# How much of a failed task's log is shown.
LOG_LINES: Final = 12
# Most task states say nothing new to a person who waits.
TOLD: Final = {"success", "failed", "upstream_failed", "deferred"}


class Cluster(enum.StrEnum):
    """A cluster by the name that the functions are deployed with."""

    LOCAL = "local"
    MANAGED = "managed"


def cluster_of(name: str) -> Cluster:
    """The cluster of a name; raises StackError if there is none."""
    try:
        return Cluster(name)
    except ValueError:
        raise StackError(
            f"There is no cluster {name!r} to run the demo on. Say CLUSTER={' or CLUSTER='.join(Cluster)}."
        ) from None


class AirflowFailedError(StackError):
    """Airflow couldn't do what it was asked for, by its own fault; what was asked for may be done in part."""


@dataclass(frozen=True)
class Run:
    """One run of a DAG, by the name that the demo shows for it."""

    dag: str
    run_id: str
    name: str


class Airflow:
    """The REST API of the stack's Airflow, which asks for no log-in but wants a token."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.Client(base_url=settings.airflow_url, timeout=30)
        token = self._send("GET", "/auth/token")["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """What the API answers; raises StackError if it refuses or can't be reached."""
        return self._send("GET", f"/api/v2{path}", tries=TRIES, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the API answers; raises StackError if it refuses or can't be reached."""
        return self._send("POST", f"/api/v2{path}", json=body)

    def make_run(self, dag: str, run_id: str, conf: Mapping[str, Any] | None = None) -> None:
        """Makes a run of a DAG, or finds the one with this id; raises StackError if Airflow refuses it."""
        # An answer of 500, such as for a database that was locked too long, may come behind the run's creation.
        self._send(
            "POST",
            f"/api/v2/dags/{dag}/dagRuns",
            tries=TRIES,
            done=(httpx.codes.CONFLICT,),
            json={"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})},
        )

    def cancel_backfill(self, number: int) -> None:
        """Ends a backfill, or finds it ended; raises StackError if Airflow refuses."""
        self._send("PUT", f"/api/v2/backfills/{number}/cancel", tries=TRIES, done=(httpx.codes.CONFLICT,))

    def _send(self, method: str, path: str, tries: int = 1, done: Sequence[int] = (), **content: Any) -> dict[str, Any]:
        """What the API answers.

        tries: how often to ask while Airflow fails by its own fault; more than 1 only for what may be done twice
        done: refusals that mean that what was asked for is so already
        """
        try:
            response = self._client.request(method, path, **content)
            while response.is_server_error and (tries := tries - 1):
                time.sleep(1)
                response = self._client.request(method, path, **content)
            if response.is_error and response.status_code not in done:
                error_type = AirflowFailedError if response.is_server_error else StackError
                raise error_type(f"Airflow answered {response.status_code} to {path}: {response.text[:300]}")
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise StackError(
                f"Airflow at {self._client.base_url} couldn't be asked for {path}: {error}. "
                "See `make status` and `make logs PART=airflow-api-server`."
            ) from error
        return answer


@dataclass(frozen=True)
class AirportDay:
    """What an airport's hourly lines of one day add up to.

    lines: how many hours had flights
    flights: how many were scheduled, the cancelled among them
    mean_delay_minutes: over all that departed; None when none did
    worst_hour: the first of the local hours with the highest 95th percentile, such as `18:00`
    """

    airport: str
    lines: int
    flights: int
    cancelled: int
    mean_delay_minutes: float | None
    worst_hour: str | None
    worst_hour_p95_minutes: float | None


@dataclass(frozen=True)
class Event:
    """What Managed Flink tells of an application: an operation, or a snapshot.

    at: when it began; of a snapshot in whole seconds
    status: what became of it
    """

    at: datetime.datetime
    name: str
    status: str


@dataclass(frozen=True)
class ResultFile:
    """A file of results and when it appeared, in whole seconds."""

    at: datetime.datetime
    lines: list[str]


class Demo:
    """Runs the DAGs on a stack that is up."""

    def __init__(self, settings: Settings, progress: Progress, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._settings = settings
        self._progress = progress
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self._s3 = session.client("s3", endpoint_url=settings.aws_url)
        self._service = session.client("kinesisanalyticsv2", endpoint_url=settings.managed_flink_url)
        self._functions = session.client("lambda", endpoint_url=settings.aws_url)
        self._deadline = time.monotonic() + patience_seconds

    def run(self, cluster: Cluster) -> None:
        """Runs everything and prints the result; raises StackError if anything isn't as it has to be."""
        match cluster:
            case Cluster.LOCAL:
                self._run_local()
            case Cluster.MANAGED:
                self._run_managed()
        print("\n`make down` ends everything.")

    def _run_local(self) -> None:
        airflow = Airflow(self._settings)
        self._await_dags(airflow, {DAILY, STREAM, UPGRADE, HOURS_STREAM, HOUR_READY, DISPATCHER})
        begin = datetime.datetime.now(datetime.UTC)
        hours_stream = self._start_stream(airflow, HOURS_STREAM, {"replay": HOURS_REPLAY})
        # A backfill wants the database to itself, so it comes before runs that have much to do.
        days = self._start_days(airflow)
        stream_run = self._start_stream(airflow, STREAM)
        upgrade_run = self._start_stream(airflow, UPGRADE)
        self._follow(airflow, [*days, stream_run, upgrade_run, hours_stream])
        rows = self._check_days()
        first: str = self._returned(airflow, stream_run, "first-life.submit-job")["job"]["flinkJobId"]
        stream = self._check_stream(first)
        upgraded = self._check_upgrade(airflow, upgrade_run)
        finished = self._await_hours(airflow, begin)
        print(f"\n{align(rows)}\n\n{stream}\n\n{upgraded}\n\n{finished}\n")
        for day in DAYS:
            print(f"Plot     {self._report(day, 'png')}")
        print(f"Airflow  {self._settings.airflow_url}/dags/{DAILY}\nFlink    {self._settings.flink_url}/#/overview")

    def _run_managed(self) -> None:
        self._progress.say(f"Managed Flink doesn't tell how a job that ends has ended, so {DAILY} isn't run on it")
        airflow = Airflow(self._settings)
        self._await_dags(airflow, {MANAGED_STREAM})
        begin = datetime.datetime.now(datetime.UTC)
        run = self._start_stream(airflow, MANAGED_STREAM)
        self._follow(airflow, [run])
        stream = self._check_stream(run.run_id)
        events = self.events(begin)
        lives = check_lives(events, self._files(f"{STREAM_RESULTS}/{run.run_id}/"))
        rows = [
            ("BEGUN AT", "BY THE SERVICE", "BECAME"),
            *((f"{one.at:%H:%M:%S}", one.name, one.status) for one in events),
        ]
        print(f"\nThe application {APPLICATION}:\n\n{align(rows)}\n\n{stream}\n{lives}\n")
        print(f"Airflow  {self._settings.airflow_url}/dags/{MANAGED_STREAM}")
        print(f"Flink    {self._settings.flink_url}/#/overview")
        print(f"Service  aws kinesisanalyticsv2 list-applications --endpoint-url {self._settings.managed_flink_url}")

    def _await_dags(self, airflow: Airflow, wanted: set[str]) -> None:
        with self._progress.step("wait until Airflow has read the DAGs"):
            while not wanted <= {dag["dag_id"] for dag in airflow.get("/dags", limit=100)["dags"]}:
                self._pause("Airflow doesn't find the DAGs: see `make logs PART=airflow-dag-processor`.")

    def _start_days(self, airflow: Airflow) -> list[Run]:
        """Asks for a backfill; days that ran before are cleared and run again, as new requests.

        A day that an earlier demo has left running isn't begun a second time; it is followed as if it were new.
        """
        backfill = self.ask_for_backfill(airflow)
        wanted = {_midnight(day): day for day in DAYS}
        runs: dict[datetime.date, Run] = {}
        while len(runs) < len(DAYS):
            for run in airflow.get(f"/dags/{DAILY}/dagRuns", limit=100)["dag_runs"]:
                if (day := wanted.get(_local(run["data_interval_start"]))) is not None:
                    runs[day] = Run(DAILY, run["dag_run_id"], f"{DAILY} {day}")
            self._pause(f"Backfill {backfill} has made no runs for its days.")
        self._progress.say(f"asked Airflow for a backfill of {DAILY} over {DAYS[0]} to {DAYS[-1]}")
        return [runs[day] for day in DAYS]

    def ask_for_backfill(self, airflow: Airflow) -> int:
        """The number of a new backfill over the days.

        Airflow answers 503 whenever another of its processes writes to SQLite while it makes the runs; no time limit of
        the database helps. It then deletes what it has made; should it fail in that, too, the rest is cancelled here.
        """
        for tries_left in reversed(range(TRIES)):
            self.end_backfills(airflow)
            try:
                backfill = airflow.post(
                    "/backfills",
                    {
                        "dag_id": DAILY,
                        "from_date": _midnight(DAYS[0]),
                        "to_date": _midnight(DAYS[-1]),
                        "reprocess_behavior": "completed",
                        "max_active_runs": 2,
                    },
                )
            except AirflowFailedError as error:
                if not tries_left:
                    raise
                self._pause(str(error))
            else:
                return int(backfill["id"])
        raise AssertionError("The last try returns or raises.")

    def end_backfills(self, airflow: Airflow) -> None:
        """Makes room: Airflow takes one backfill of a DAG at a time, and keeps one open for a while after its end."""
        ours = (_midnight(DAYS[0]), _midnight(DAYS[-1]))
        seen: set[int] = set()
        while left := [one for one in airflow.get("/backfills", dag_id=DAILY)["backfills"] if not one["completed_at"]]:
            for backfill in left:
                number, days = backfill["id"], (_local(backfill["from_date"]), _local(backfill["to_date"]))
                if number in seen:
                    continue
                seen.add(number)
                # Over the same days it is that of an earlier demo; another one is somebody's own.
                if days == ours:
                    airflow.cancel_backfill(number)
                    self._progress.say(f"cancelled backfill {number}, which an earlier demo had asked for")
                else:
                    self._progress.say(f"waiting for backfill {number}, of {days[0]} to {days[1]}")
            self._pause(f"Another backfill of {DAILY} is open. Cancel it at {self._settings.airflow_url}.")

    def _start_stream(self, airflow: Airflow, dag: str, conf: Mapping[str, Any] | None = None) -> Run:
        run_id = f"demo__{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        airflow.make_run(dag, run_id, conf)
        self._progress.say(f"asked Airflow for a run of {dag}")
        return Run(dag, run_id, dag)

    def _follow(self, airflow: Airflow, runs: Sequence[Run]) -> None:
        """Tells what the tasks do until all runs have ended; raises StackError if one failed."""
        told: dict[tuple[Run, str], str] = {}
        ended: dict[Run, str] = {}
        while len(ended) < len(runs):
            self._pause(
                "The runs haven't ended in time: "
                + ", ".join(run.name for run in runs if run not in ended)
                + f". See {self._settings.airflow_url}."
            )
            for run in [run for run in runs if run not in ended]:
                path = f"/dags/{run.dag}/dagRuns/{run.run_id}"
                state = airflow.get(path)["state"]
                for task in airflow.get(f"{path}/taskInstances", limit=100)["task_instances"]:
                    now = task["state"]
                    if now in TOLD and told.get((run, task["task_id"])) != now:
                        told[run, task["task_id"]] = now
                        words = "waits in the triggerer" if now == "deferred" else now
                        self._progress.say(f"{run.name}  {task['task_id']}: {words}")
                if state in ("success", "failed"):
                    ended[run] = state
        if failed := [run for run, state in ended.items() if state != "success"]:
            reasons = "".join(f"\n{line}" for run in failed for line in why_failed(airflow, run))
            raise StackError(
                f"Failed: {', '.join(run.name for run in failed)}. "
                f"See the tasks' logs at {self._settings.airflow_url}.{reasons}"
            )

    def _await_hours(self, airflow: Airflow, begin: datetime.datetime) -> str:
        """Waits for hours of the stream that start runs by event, ends the stream, and tells of them.

        Raises StackError if an hour's run failed, or an hour between two others has none.
        """
        told: set[str] = set()
        with self._progress.step(f"wait for {HOURS_WANTED} hours of {HOURS_JOB} to start a run of {HOUR_READY}"):
            while len(runs := self._hour_runs(airflow, begin)) < HOURS_WANTED:
                self._pause(
                    f"{len(runs)} hours have started a run. See {self._settings.airflow_url}/dags/{DISPATCHER} and "
                    "`make logs`."
                )
        self._call("stop-job", {"requestId": f"demo/{begin:%Y-%m-%dT%H:%M:%SZ}/stop-hours", "try": 1})
        while not all(run.run_id in told for run in runs):
            runs = self._hour_runs(airflow, begin)
            for run in [run for run in runs if run.ended and run.run_id not in told]:
                told.add(run.run_id)
                self._progress.say(f"{HOUR_READY}  {run.run_id}: {run.state}")
            self._pause(f"Not all runs of {HOUR_READY} have ended. See {self._settings.airflow_url}/dags/{HOUR_READY}.")
        if failed := [run for run in runs if run.state == "failed"]:
            reasons = [why_failed(airflow, Run(HOUR_READY, run.run_id, run.run_id)) for run in failed[:1]]
            raise StackError("\n".join([f"Failed: {', '.join(run.run_id for run in failed)}.", *reasons[0]]))
        check(runs)
        files = [
            (file.at, [json.loads(line)["hour"] for line in file.lines]) for file in self._files(f"{HOURS_RESULTS}/")
        ]
        shown = [(run, committed(run, files)) for run in runs]
        lines = {run.run_id: self._checked_lines(airflow, run) for run in runs}
        return f"{align(table(shown, lines))}\n\n{latency(shown)}"

    def _hour_runs(self, airflow: Airflow, begin: datetime.datetime) -> list[HourRun]:
        answer = airflow.get(f"/dags/{HOUR_READY}/dagRuns", limit=100, order_by="-id")
        runs = [run for run in map(HourRun.parse, answer["dag_runs"]) if run is not None and run.told >= begin]
        return sorted(runs, key=lambda run: run.start)

    def _checked_lines(self, airflow: Airflow, run: HourRun) -> int:
        return int(self._returned(airflow, Run(HOUR_READY, run.run_id, run.run_id), "check-slice")["lines"])

    def _returned(self, airflow: Airflow, run: Run, task: str) -> dict[str, Any]:
        """What a task has returned: an object, or its JSON."""
        path = f"/dags/{run.dag}/dagRuns/{run.run_id}/taskInstances/{task}/xcomEntries/return_value"
        value = airflow.get(path)["value"]
        returned: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
        return returned

    def _call(self, function: str, event: Mapping[str, Any]) -> None:
        """Calls a function about the stream of hours; raises StackError if it refuses."""
        with readable_errors(self._settings):
            answer = self._functions.invoke(
                FunctionName=f"sluiceway-{STAGE}-{function}",
                Qualifier="live",
                Payload=json.dumps({**event, "cluster": Cluster.LOCAL, "jobName": HOURS_JOB}),
            )
            if "FunctionError" in answer:
                raise StackError(f"{function} failed: {answer['Payload'].read().decode()[:500]}")

    def _check_days(self) -> list[tuple[str, ...]]:
        """The table of the results; raises StackError if a line isn't the reference program's."""
        table: list[tuple[str, ...]] = [
            ("DAY", "AIRPORT", "FLIGHTS", "CANCELLED", "MEAN DELAY", "WORST HOUR", "ITS P95", "LINES = REFERENCE")
        ]
        with self._progress.step("hold the results against the reference program"):
            for day in DAYS:
                report = json.loads(self._report(day, "json").read_text())
                got = self._lines(f"results/flight-delays/{day}/{report['flink_job_id']}/")
                expected = self._reference(day, day + datetime.timedelta(days=1))
                if got != expected:
                    raise StackError(f"The result of {day} isn't the reference program's: {difference(got, expected)}")
                airports = summarise(expected)
                check_report(day, report["airports"], airports)
                lines = {airport.airport: airport.lines for airport in summarise(got)}
                table.extend(
                    (
                        str(day),
                        airport.airport,
                        str(airport.flights),
                        str(airport.cancelled),
                        _minutes(airport.mean_delay_minutes),
                        airport.worst_hour or "-",
                        _minutes(airport.worst_hour_p95_minutes),
                        f"{lines[airport.airport]} of {airport.lines}",
                    )
                    for airport in airports
                )
        return table

    def _check_stream(self, directory: str) -> str:
        """What the stream wrote in its two lives, in words; raises StackError if a line is wrong or there twice.

        directory: the one of its results
        """
        got = self._lines(f"{STREAM_RESULTS}/{directory}/")
        last = last_hours(got)
        reference = self._reference_up_to(got)
        if silent := sorted(last_hours(reference).keys() - last.keys()):
            raise StackError(f"The stream wrote nothing about {', '.join(silent)}.")
        expected = up_to(reference, last)
        if got != expected:
            raise StackError(f"What the stream wrote isn't the reference program's: {difference(got, expected)}")
        return (
            "The stream, stopped with a savepoint and started again from it, has written the hours up to\n"
            f"{', '.join(f'{hour} of {origin}' for origin, hour in sorted(last.items()))}:\n"
            f"{len(got)} of {len(expected)} lines, each once, each the reference program's."
        )

    def _check_upgrade(self, airflow: Airflow, run: Run) -> str:
        """What came of the upgrade, and which version wrote what; raises StackError if a line is wrong or there twice.

        Both versions have written into one directory; the second has its own fields in each of its lines.
        """
        report = self._returned(airflow, run, "upgrade.report-upgrade")
        with self._progress.step("hold both versions' lines against the reference program"):
            got = self._lines(f"{UPGRADE_RESULTS}/{run.run_id}/")
            last = last_hours(got)
            first, second = (up_to(self._reference_up_to(got, version), last) for version in (1, 2))
            hours = [(hour["origin"], hour["hour"]) for hour in map(json.loads, got)]
            wanted = [(hour["origin"], hour["hour"]) for hour in map(json.loads, first)]
            if sorted(hours) != sorted(wanted):
                raise StackError(
                    "What the upgraded stream wrote hasn't each hour once: "
                    + difference(map(" ".join, hours), map(" ".join, wanted))
                )
            until = datetime.datetime.fromisoformat(max(last.values())).astimezone(NEW_YORK).date()
            versions = upgrade.check_versions(got, first, second, self._known(until))
        return f"{upgrade.in_words(report)}\n\n{align(upgrade.table(*versions, report))}"

    def _known(self, until: datetime.date) -> dict[upgrade.FlightKey, datetime.datetime]:
        """When each flight up to a day became known, by the reference program; of several of a name, the last."""
        known: dict[upgrade.FlightKey, datetime.datetime] = {}
        program = reference_program(self._settings.root / "flink-jobs" / "reference" / "flight_delays.py")
        flights = self._settings.root / "flink-jobs" / "data" / "nycflights13"
        for flight in program.read_flights(flights, datetime.date.min, until + datetime.timedelta(days=1)):
            key = (flight["origin"], program.instant(flight["hour"]), f"{flight['carrier']}{flight['number']}")
            known[key] = max(flight["known"], known.get(key, flight["known"]))
        return known

    def events(self, begin: datetime.datetime) -> list[Event]:
        """What the service tells of the stream's application since a moment, in order."""
        try:
            operations = self._pages("list_application_operations", "ApplicationOperationInfoList")
            snapshots = self._pages("list_application_snapshots", "SnapshotSummaries")
        except (BotoCoreError, ClientError) as error:
            raise StackError(
                f"The double of Managed Flink at {self._settings.managed_flink_url} couldn't be asked: {error}. "
                "See `make logs PART=managed-flink`."
            ) from error
        events = [Event(one["StartTime"], one["Operation"], one["OperationStatus"]) for one in operations]
        events += [
            Event(one["SnapshotCreationTimestamp"], f"snapshot {one['SnapshotName']}", one["SnapshotStatus"])
            for one in snapshots
        ]
        # Whole seconds, since snapshots' times are; a stop or an update comes before its snapshot.
        return sorted(
            (one for one in events if one.at >= begin.replace(microsecond=0)),
            key=lambda one: (one.at.replace(microsecond=0), one.name.startswith("snapshot"), one.at),
        )

    def _pages(self, call: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        position: dict[str, str] = {}
        while True:
            page = getattr(self._service, call)(ApplicationName=APPLICATION, Limit=50, **position)
            found += page.get(key, [])
            if "NextToken" not in page:
                return found
            position = {"NextToken": page["NextToken"]}

    def _lines(self, prefix: str) -> list[str]:
        return sorted(line for file in self._files(prefix) for line in file.lines)

    def _files(self, prefix: str) -> list[ResultFile]:
        with readable_errors(self._settings):
            found = self._s3.get_paginator("list_objects_v2").paginate(Bucket=DATA_BUCKET, Prefix=prefix, Delimiter="/")
            items = [item for page in found for item in page.get("Contents", []) if item["Key"].endswith(".jsonl")]
            return [
                ResultFile(
                    item["LastModified"],
                    self._s3.get_object(Bucket=DATA_BUCKET, Key=item["Key"])["Body"].read().decode().splitlines(),
                )
                for item in items
            ]

    def _reference_up_to(self, lines: Sequence[str], version: int = 1) -> list[str]:
        """What the reference program says of the days from the year's first to the last that lines are about."""
        if not lines:
            raise StackError("The stream wrote nothing.")
        last = datetime.datetime.fromisoformat(max(last_hours(lines).values())).astimezone(NEW_YORK).date()
        return self._reference(datetime.date(2013, 1, 1), last + datetime.timedelta(days=1), version)

    def _reference(self, begin: datetime.date, end: datetime.date, version: int = 1) -> list[str]:
        jobs = self._settings.root / "flink-jobs"
        result = subprocess.run(
            [
                *(sys.executable, jobs / "reference" / "flight_delays.py"),
                *("--input", jobs / "data" / "nycflights13"),
                *("--from", str(begin), "--to", str(end)),
                *("--job-version", str(version)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise StackError(f"The reference program failed: {result.stderr.strip()}")
        return sorted(result.stdout.splitlines())

    def _report(self, day: datetime.date, kind: str) -> Path:
        return self._settings.run_dir / "reports" / f"flight-delays-{day}.{kind}"

    def _pause(self, too_late: str) -> None:
        if time.monotonic() > self._deadline:
            raise StackError(too_late)
        time.sleep(1)


@functools.cache
def reference_program(file: Path) -> ModuleType:
    """The reference program as a module, for what it doesn't print; raises StackError if it isn't there."""
    spec = importlib.util.spec_from_file_location("flight_delays_reference", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise StackError(f"The reference program {file} isn't there.")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def why_failed(airflow: Airflow, run: Run) -> list[str]:
    """The tasks of a run that failed, each with the last lines of its log."""
    path = f"/dags/{run.dag}/dagRuns/{run.run_id}/taskInstances"
    lines = []
    for task in airflow.get(path, limit=100)["task_instances"]:
        if task["state"] != "failed":
            continue
        tries = task["try_number"]
        lines.append(f"--- {run.name}  {task['task_id']}, failed at try {tries}:")
        try:
            log = airflow.get(f"{path}/{task['task_id']}/logs/{max(tries, 1)}", full_content="true")["content"]
        except StackError as error:
            # A task that was never started has no log; that mustn't hide the others'.
            log = [str(error)]
        lines.extend(f"    {_log_line(entry)}" for entry in log[-LOG_LINES:])
    return lines


def _log_line(entry: str | Mapping[str, Any]) -> str:
    """An entry of a task's log in one line, with its exceptions' types and texts."""
    if isinstance(entry, str):
        return entry
    errors = "".join(f" [{error['exc_type']}: {error['exc_value']}]" for error in entry.get("error_detail") or [])
    return f"{entry.get('level') or 'info'}: {entry['event']}{errors}"


def summarise(lines: Iterable[str]) -> list[AirportDay]:
    """Adds up the hourly lines of one day, by airport."""
    airports: dict[str, list[dict[str, Any]]] = {}
    for hour in sorted(map(json.loads, lines), key=lambda hour: (hour["origin"], hour["hour"])):
        airports.setdefault(hour["origin"], []).append(hour)
    days = []
    for airport, hours in airports.items():
        departures = [
            (hour, hour["flights"] - hour["cancelled"]) for hour in hours if hour["flights"] > hour["cancelled"]
        ]
        departed = sum(count for _, count in departures)
        # Delays are whole minutes, and so is the sum of an hour's.
        minutes = sum(round(hour["meanDepartureDelayMinutes"] * count) for hour, count in departures)
        worst = max((hour for hour, _ in departures), key=lambda hour: hour["p95DepartureDelayMinutes"], default=None)
        days.append(
            AirportDay(
                airport=airport,
                lines=len(hours),
                flights=sum(hour["flights"] for hour in hours),
                cancelled=sum(hour["cancelled"] for hour in hours),
                mean_delay_minutes=minutes / departed if departed else None,
                worst_hour=None if worst is None else _local(worst["hour"])[11:16],
                worst_hour_p95_minutes=None if worst is None else worst["p95DepartureDelayMinutes"],
            )
        )
    return days


def check_report(day: datetime.date, reported: Sequence[Mapping[str, Any]], expected: Sequence[AirportDay]) -> None:
    """Raises StackError if the DAG's report on a day doesn't say what the reference program's lines add up to."""
    ours = {airport["airport"]: airport for airport in reported}
    if sorted(ours) != sorted(airport.airport for airport in expected) or len(ours) != len(reported):
        raise StackError(
            f"The report of {day} is about {', '.join(ours)}, which aren't the reference program's airports."
        )
    for airport in expected:
        for name, value in asdict(airport).items():
            # How many lines there are is no part of the report.
            if name != "lines" and not _is_same(ours[airport.airport].get(name), value):
                raise StackError(
                    f"The report of {day} says that {name} of {airport.airport} is {ours[airport.airport].get(name)}, "
                    f"but the reference program's lines make it {value}."
                )


def last_hours(lines: Iterable[str]) -> dict[str, str]:
    """The last hour that the lines have of each airport."""
    last: dict[str, str] = {}
    for hour in map(json.loads, lines):
        last[hour["origin"]] = max(hour["hour"], last.get(hour["origin"], ""))
    return last


def up_to(lines: Iterable[str], last: Mapping[str, str]) -> list[str]:
    """The lines of each airport up to its last hour; a cancelled stream has committed some further than others."""
    hours = ((line, json.loads(line)) for line in lines)
    return [line for line, hour in hours if hour["hour"] <= last[hour["origin"]]]


def check_lives(events: Iterable[Event], files: Iterable[ResultFile]) -> str:
    """What each life of the stream wrote, in words; raises StackError if one wrote nothing, or if there weren't two."""
    starts = [event.at for event in events if (event.name, event.status) == ("StartApplication", "SUCCESSFUL")]
    if len(starts) != 2:
        raise StackError(f"The service tells of {len(starts)} starts of {APPLICATION} that worked, instead of 2.")
    counts = {False: 0, True: 0}
    for file in files:
        counts[file.at >= starts[1].replace(microsecond=0)] += len(file.lines)
    if 0 in counts.values():
        raise StackError(
            f"The stream wrote {counts[False]} lines before its second start and {counts[True]} after it, "
            "so nobody sees that it went on."
        )
    return f"{counts[False]} of them were written before the second start, and {counts[True]} after it."


def align(rows: Sequence[Sequence[str]]) -> str:
    """A table with a heading in its first row: columns aligned, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column >= 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _midnight(day: datetime.date) -> str:
    return datetime.datetime.combine(day, datetime.time(), NEW_YORK).isoformat()


def _local(instant: str) -> str:
    """An instant as New York writes it."""
    return datetime.datetime.fromisoformat(instant).astimezone(NEW_YORK).isoformat()


def _is_same(ours: float | str | None, theirs: float | str | None) -> bool:
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        # The report rounds to hundredths.
        return math.isclose(ours, theirs, rel_tol=0, abs_tol=0.00501)
    return ours == theirs


def _minutes(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} min"


def difference(got: Iterable[str], expected: Iterable[str]) -> str:
    """The first line that only one of the two has, or that one has more often."""
    ours, theirs = list(got), list(expected)
    for line in sorted({*ours, *theirs}):
        if ours.count(line) != theirs.count(line):
            return f"{ours.count(line)} times instead of {theirs.count(line)}: {line}"
    return "only the order"
