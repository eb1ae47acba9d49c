"""The demo's arithmetic, its comparisons, and its talk with Airflow."""

import datetime
import io
import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from stack.demo import (
    APPLICATION,
    DAYS,
    Airflow,
    AirportDay,
    Cluster,
    Demo,
    Event,
    ResultFile,
    Run,
    align,
    check_lives,
    check_report,
    cluster_of,
    difference,
    last_hours,
    summarise,
    up_to,
    why_failed,
)
from stack.errors import StackError
from stack.progress import Progress
from stack.settings import ROOT, Settings, load_settings
from tests.web import serve

DAY = datetime.date(2013, 1, 5)


def line(
    origin: str,
    hour: int,
    flights: int = 1,
    cancelled: int = 0,
    *,
    mean: float | None = 0.0,
    p95: int | None = 0,
) -> str:
    return json.dumps(
        {
            "origin": origin,
            "hour": f"2013-01-05T{hour:02}:00:00Z",
            "flights": flights,
            "cancelled": cancelled,
            "meanDepartureDelayMinutes": mean,
            "p95DepartureDelayMinutes": p95,
            "weather": None,
        }
    )


def test_align_texts_are_left_and_numbers_right() -> None:
    rows = [("DAY", "AIRPORT", "FLIGHTS"), ("2013-01-05", "JFK", "7"), ("2013-01-06", "EWR", "123456789")]

    assert align(rows) == (
        "DAY         AIRPORT    FLIGHTS\n2013-01-05  JFK              7\n2013-01-06  EWR      123456789"
    )


def test_difference_line_is_missing_names_it() -> None:
    assert difference(["a"], ["a", "b"]) == "0 times instead of 1: b"


def test_difference_line_is_there_twice_names_it() -> None:
    assert difference(["a", "b", "b"], ["a", "b"]) == "2 times instead of 1: b"


def test_difference_other_order_says_so() -> None:
    assert difference(["b", "a"], ["a", "b"]) == "only the order"


def test_summarise_weighs_hours_by_their_departures() -> None:
    lines = [
        line("JFK", 15, 4, 1, mean=10.0, p95=30),
        line("JFK", 10, 1, 0, mean=-2.0, p95=-2),
        line("EWR", 23, 2, 0, mean=3.5, p95=9),
    ]

    assert summarise(lines) == [
        AirportDay("EWR", 1, 2, 0, 3.5, "18:00", 9),
        AirportDay("JFK", 2, 5, 1, 7.0, "10:00", 30),
    ]


def test_summarise_two_hours_are_equally_bad_takes_the_first() -> None:
    (day,) = summarise([line("JFK", 20, p95=7), line("JFK", 12, p95=7)])

    assert day.worst_hour == "07:00"


def test_summarise_hour_without_departures_counts_its_flights_only() -> None:
    (day,) = summarise([line("JFK", 10, 2, 2, mean=None, p95=None), line("JFK", 11, 1, 0, mean=5.0, p95=5)])

    assert day == AirportDay("JFK", 2, 3, 2, 5.0, "06:00", 5)


def test_summarise_nothing_departed_has_no_delays() -> None:
    assert summarise([line("JFK", 10, 2, 2, mean=None, p95=None)]) == [AirportDay("JFK", 1, 2, 2, None, None, None)]


def reported(*days: AirportDay) -> list[dict[str, Any]]:
    return [{name: value for name, value in asdict(day).items() if name != "lines"} for day in days]


JFK = AirportDay("JFK", 2, 5, 1, 20 / 3, "10:00", 30.0)
EWR = AirportDay("EWR", 1, 2, 2, None, None, None)


def test_check_report_says_the_same_rounded_is_well() -> None:
    check_report(DAY, [*reported(EWR), {**reported(JFK)[0], "mean_delay_minutes": 6.67}], [EWR, JFK])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flights", 6),
        ("cancelled", 0),
        ("mean_delay_minutes", 6.65),
        ("mean_delay_minutes", None),
        ("worst_hour", "11:00"),
        ("worst_hour_p95_minutes", 31.0),
    ],
)
def test_check_report_number_is_another_says_which(name: str, value: float | str | None) -> None:
    expected = (
        rf"The report of 2013-01-05 says that {name} of JFK is {value}, but the reference program's lines make it"
    )
    with pytest.raises(StackError, match=expected):
        check_report(DAY, [{**reported(JFK)[0], name: value}], [JFK])


@pytest.mark.parametrize("days", [[], [EWR], [JFK, EWR], [JFK, JFK]])
def test_check_report_other_airports_says_so(days: list[AirportDay]) -> None:
    with pytest.raises(StackError, match="aren't the reference program's airports"):
        check_report(DAY, reported(*days), [JFK])


def test_up_to_airports_have_got_to_different_hours_cuts_each_at_its_own() -> None:
    reference = [line(origin, hour) for origin in ("EWR", "JFK") for hour in (10, 11, 12)]
    got = [reference[0], reference[1], reference[3]]

    last = last_hours(got)

    assert last == {"EWR": "2013-01-05T11:00:00Z", "JFK": "2013-01-05T10:00:00Z"}
    assert up_to(reference, last) == got


def test_up_to_hour_is_missing_in_between_expects_it() -> None:
    reference = [line("JFK", hour) for hour in (10, 11, 12)]

    assert up_to(reference, last_hours([reference[0], reference[2]])) == reference


def at(second: float) -> datetime.datetime:
    """A moment of one minute."""
    return datetime.datetime(2026, 11, 23, 14, 0, tzinfo=datetime.UTC) + datetime.timedelta(seconds=second)


TWO_STARTS = [
    Event(at(0.4), "StartApplication", "SUCCESSFUL"),
    Event(at(10.1), "StopApplication", "SUCCESSFUL"),
    Event(at(20.6), "StartApplication", "SUCCESSFUL"),
]


def test_check_lives_both_wrote_says_how_much() -> None:
    files = [ResultFile(at(5), ["a", "b"]), ResultFile(at(10), ["c"]), ResultFile(at(20), ["d"])]

    assert check_lives(TWO_STARTS, files) == ("3 of them were written before the second start, and 1 after it.")


@pytest.mark.parametrize(("second", "words"), [(5, "1 lines before .* and 0 after"), (25, "0 lines before .* and 1")])
def test_check_lives_one_wrote_nothing_says_so(second: float, words: str) -> None:
    with pytest.raises(StackError, match=words):
        check_lives(TWO_STARTS, [ResultFile(at(second), ["a"])])


@pytest.mark.parametrize(
    "events",
    [TWO_STARTS[:2], [*TWO_STARTS, TWO_STARTS[0]], [*TWO_STARTS[:2], replace(TWO_STARTS[2], status="FAILED")]],
    ids=["one start", "three starts", "one failed"],
)
def test_check_lives_not_two_starts_says_so(events: list[Event]) -> None:
    files = [ResultFile(at(5), ["a"]), ResultFile(at(25), ["b"])]

    with pytest.raises(StackError, match=r"tells of [13] starts of sluiceway-local-flight-delays-stream that worked"):
        check_lives(events, files)


def test_events_operations_and_snapshots_of_two_pages_are_in_order() -> None:
    def answer(_method: str, _path: str, body: Any) -> tuple[int, Any]:
        # The client takes of this what the call that it made answers.
        if "NextToken" in body:
            return 200, {
                "ApplicationOperationInfoList": [operation("StartApplication", 0.4)],
                "SnapshotSummaries": [snapshot("old", -60), snapshot("saved", 5)],
            }
        return 200, {
            "ApplicationOperationInfoList": [operation("StopApplication", 10.1), operation("StartApplication", -30)],
            "SnapshotSummaries": [snapshot("STOP-1", 10)],
            "NextToken": "2",
        }

    def operation(name: str, second: float) -> dict[str, Any]:
        return {"Operation": name, "StartTime": at(second).timestamp(), "OperationStatus": "SUCCESSFUL"}

    def snapshot(name: str, second: float) -> dict[str, Any]:
        return {
            "SnapshotName": name,
            "SnapshotStatus": "READY",
            "ApplicationVersionId": 1,
            "SnapshotCreationTimestamp": at(second).timestamp(),
        }

    with serve(answer) as port:
        settings = replace(load_settings(environment={}), managed_flink_port=port)
        events = Demo(settings, Progress(io.StringIO())).events(at(0))

    assert [(event.name, event.status) for event in events] == [
        ("StartApplication", "SUCCESSFUL"),
        ("snapshot saved", "READY"),
        ("StopApplication", "SUCCESSFUL"),
        ("snapshot STOP-1", "READY"),
    ]


def test_events_nobody_listens_says_where_to_look(free_port: int) -> None:
    settings = replace(load_settings(environment={}), managed_flink_port=free_port)

    with pytest.raises(StackError, match=r"couldn't be asked: .* See `make logs PART=managed-flink`"):
        Demo(settings, Progress(io.StringIO())).events(at(0))


@pytest.mark.parametrize("cluster", Cluster)
def test_cluster_of_each_name_is_that_cluster(cluster: Cluster) -> None:
    assert cluster_of(str(cluster)) is cluster


def test_application_is_named_as_the_deployed_cluster_names_it() -> None:
    settings = json.loads((ROOT / "infra" / "cdk" / "settings" / "local.json").read_text())

    name = settings["clusters"]["managed"]["applications"].replace("{job}", "flight-delays-stream")

    assert name == APPLICATION


class FakeAirflow:
    """Airflow's API as far as backfills go.

    open: those that haven't ended
    locked: how often its database is locked when a backfill is made, which then stays half made
    """

    def __init__(self, open: dict[int, tuple[str, str]], locked: int = 0) -> None:  # noqa: A002
        self.open = open
        self.locked = locked
        self.cancelled: list[int] = []

    def answer(self, method: str, path: str, _body: Any) -> tuple[int, Any]:
        match method, path.partition("?")[0].split("/")[1:]:
            case "GET", ["auth", "token"]:
                return 200, {"access_token": "t"}
            case "GET", ["api", "v2", "backfills"]:
                return 200, {"backfills": [self._backfill(number) for number in (1, 2)]}
            case "POST", ["api", "v2", "backfills"]:
                return self._make_backfill()
            case "PUT", ["api", "v2", "backfills", number, "cancel"]:
                self.cancelled.append(int(number))
                del self.open[int(number)]
                return 200, {}
        return 404, {"detail": "Not Found"}

    def _make_backfill(self) -> tuple[int, Any]:
        if self.open:
            return 409, {"detail": "Another backfill is running"}
        self.open[2] = OURS
        if self.locked:
            self.locked -= 1
            return 503, {"detail": "Database is locked."}
        return 200, {"id": 2}

    def _backfill(self, number: int) -> dict[str, Any]:
        begin, end = self.open.get(number, ("2013-01-01T05:00:00Z", "2013-01-01T05:00:00Z"))
        done = None if number in self.open else "2026-01-01T00:00:00Z"
        return {"id": number, "from_date": begin, "to_date": end, "completed_at": done}


OURS = (f"{DAYS[0]}T05:00:00Z", f"{DAYS[-1]}T05:00:00Z")


def settings_for(port: int) -> Settings:
    return replace(load_settings(environment={}), airflow_port=port)


def end_backfills(fake: FakeAirflow, patience: float = 60) -> str:
    said = io.StringIO()
    with serve(fake.answer) as port:
        settings = settings_for(port)
        Demo(settings, Progress(said), patience).end_backfills(Airflow(settings))
    return said.getvalue()


def test_end_backfills_none_is_open_does_nothing() -> None:
    fake = FakeAirflow({})

    assert end_backfills(fake) == ""
    assert fake.cancelled == []


def test_end_backfills_earlier_demos_is_open_cancels_it() -> None:
    fake = FakeAirflow({2: OURS})

    assert "cancelled backfill 2" in end_backfills(fake)
    assert fake.cancelled == [2]


def test_end_backfills_somebody_elses_is_open_waits_and_leaves_it_alone() -> None:
    fake = FakeAirflow({1: ("2013-01-20T05:00:00Z", "2013-01-21T05:00:00Z")})

    with pytest.raises(StackError, match=r"Another backfill of flight_delays_daily is open\. Cancel it at http"):
        end_backfills(fake, patience=0)
    assert fake.cancelled == []


def ask_for_backfill(fake: FakeAirflow) -> int:
    with serve(fake.answer) as port:
        settings = settings_for(port)
        return Demo(settings, Progress(io.StringIO())).ask_for_backfill(Airflow(settings))


def test_ask_for_backfill_database_is_locked_cancels_the_rest_and_asks_again() -> None:
    fake = FakeAirflow({}, locked=1)

    assert ask_for_backfill(fake) == 2
    assert fake.cancelled == [2]


def test_ask_for_backfill_database_stays_locked_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.demo.TRIES", 2)

    with pytest.raises(StackError, match=r"Airflow answered 503 to /api/v2/backfills: .*Database is locked"):
        ask_for_backfill(FakeAirflow({}, locked=2))


def test_why_failed_shows_the_end_of_each_failed_tasks_log() -> None:
    log = [
        {"event": "::group::Pre Execute", "timestamp": "2026-11-23T06:19:01Z", "level": "info"},
        {
            "event": "Task failed with exception",
            "level": "error",
            "error_detail": [{"exc_type": "ValueError", "exc_value": "bootstrap exited", "frames": []}],
        },
    ]

    def answer(_method: str, path: str, _body: Any) -> tuple[int, Any]:
        match path.partition("?")[0].split("/")[1:]:
            case ["auth", "token"]:
                return 200, {"access_token": "t"}
            case ["api", "v2", "dags", "daily", "dagRuns", "run", "taskInstances"]:
                states = [("submit-job", "failed", 1), ("read-result", "upstream_failed", 0), ("lost", "failed", 0)]
                tasks = [{"task_id": name, "state": state, "try_number": number} for name, state, number in states]
                return 200, {"task_instances": tasks}
            case [*_, "submit-job", "logs", "1"]:
                return 200, {"content": log}
        return 404, {"detail": "no log"}

    with serve(answer) as port:
        lines = why_failed(Airflow(settings_for(port)), Run("daily", "run", "daily 2013-01-05"))

    assert lines[:3] == [
        "--- daily 2013-01-05  submit-job, failed at try 1:",
        "    info: ::group::Pre Execute",
        "    error: Task failed with exception [ValueError: bootstrap exited]",
    ]
    assert lines[3] == "--- daily 2013-01-05  lost, failed at try 0:"
    assert "no log" in lines[4]


def test_airflow_nobody_listens_says_where_to_look(free_port: int) -> None:
    with pytest.raises(StackError, match=rf"Airflow at http://127\.0\.0\.1:{free_port}.* See `make status`"):
        Airflow(settings_for(free_port))


def test_airflow_refuses_says_with_which_words() -> None:
    with serve(FakeAirflow({}).answer) as port:
        airflow = Airflow(settings_for(port))
        with pytest.raises(StackError, match=r"Airflow answered 404 to /api/v2/dags: .*Not Found"):
            airflow.get("/dags")
