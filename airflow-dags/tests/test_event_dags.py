"""The DAGs about finished hours, run by ``dag.test()``: real Airflow with its variables and DAG runs, a fake AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from airflow.assets.manager import AssetManager
from airflow.models import DagRun, Variable
from airflow.models.asset import AssetEvent, AssetModel
from airflow.sdk import DAG
from airflow.utils.session import create_session
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from conftest import DAGS, load_dag
from fake_aws import FakeAws, FakeEvents, FakeFlink, FunctionError, Json, refuse
from sluiceway_airflow.links.flink_job import FlinkJobLink
from sluiceway_airflow.operators.flink_events import DispatchFlinkDataOperator
from sluiceway_events import asset_event, body, hour, ready, revised, running

DATA = Path(__file__).parent / "data"
KEY = "sluiceway_events__local__flight-hours"

pytestmark = pytest.mark.usefixtures("airflow_database")


def load(dag_id: str) -> DAG:
    return load_dag(DAGS / f"{dag_id}.py", dag_id)


def run(dag: DAG, **kwargs: Any) -> Any:
    return dag.test(**kwargs)


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


def xcom(dag_run: Any, task_id: str, key: str = "return_value") -> Any:
    return dag_run.get_task_instance(task_id).xcom_pull(task_ids=task_id, key=key)


def ready_runs() -> dict[str, Any]:
    """The runs of flight_hour_ready, and what each is about."""
    with create_session() as session:
        found = session.scalars(select(DagRun).where(DagRun.dag_id == "flight_hour_ready").order_by(DagRun.id))
        return {dag_run.run_id: dag_run.conf for dag_run in found}


def kept() -> Any:
    with create_session() as session:
        text = session.scalar(select(Variable).where(Variable.key == KEY))
        return None if text is None else json.loads(text.val or "")


def keep(value: str) -> None:
    with create_session() as session:
        session.add(Variable(key=KEY, val=value))


def run_id(number: int) -> str:
    return f"flight-hours__{hour(number + 1)}"


class TestDispatch:
    @pytest.fixture(autouse=True)
    def nothing_happened(self) -> None:
        with create_session() as session:
            session.execute(delete(DagRun).where(DagRun.dag_id == "flight_hour_ready"))
            session.execute(delete(Variable).where(Variable.key == KEY))

    @pytest.fixture
    def arrive(self) -> Iterator[Callable[..., None]]:
        """Have messages arrive: the next run is one that the watched asset has started."""
        arrived: list[AssetEvent] = []

        def take(session: Session, *_: Any) -> None:
            for dag_run in session.new:
                if isinstance(dag_run, DagRun) and dag_run.dag_id == "flight_delays_events":
                    dag_run.consumed_asset_events.extend(session.merge(one) for one in arrived)
                    arrived.clear()

        def register(*bodies: str) -> None:
            with create_session() as session:
                asset = session.scalars(select(AssetModel).where(AssetModel.name == "flight-delays")).one()
                extra = asset_event(*bodies).extra
                registered = AssetManager.register_asset_change(asset=asset, extra=extra, session=session)
                assert registered is not None
                arrived.append(registered)

        event.listen(Session, "before_flush", take)
        yield register
        event.remove(Session, "before_flush", take)

    def test_run_by_clock_triggers_a_run_for_each_hour(self, aws: FakeAws) -> None:
        FakeEvents(aws, [running(1), ready(2, 0), ready(3, 1)])

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "success"
        assert aws.problems == []
        runs = ready_runs()
        assert list(runs) == [run_id(0), run_id(1)]
        assert {key: runs[run_id(1)][key] for key in ("cluster", "jobName", "from", "until", "revised")} == {
            "cluster": "local",
            "jobName": "flight-hours",
            "from": hour(1),
            "until": hour(2),
            "revised": False,
        }
        assert xcom(dag_run, "dispatch") == {"triggered": [run_id(0), run_id(1)], "there": [], "sequence": 3}
        assert kept() == {"sequence": 3}
        assert aws.requests("list-events") == [
            {"cluster": "local", "jobName": "flight-hours", "onRefusal": "THROW", "afterSequence": 0}
        ]

    def test_run_again_goes_on_behind_what_was_dealt_with(self, aws: FakeAws) -> None:
        told = FakeEvents(aws, [ready(1, 0)])
        run(load("flight_delays_events"))
        told.events.append(ready(2, 1))

        dag_run = run(load("flight_delays_events"))

        assert xcom(dag_run, "dispatch")["triggered"] == [run_id(1)]
        assert [request["afterSequence"] for request in aws.requests("list-events")] == [0, 1]

    def test_run_position_is_lost_makes_no_run_twice(self, aws: FakeAws) -> None:
        FakeEvents(aws, [ready(1, 0), revised(2, 1), ready(3, 1)])
        run(load("flight_delays_events"))
        before = ready_runs()
        with create_session() as session:
            session.execute(delete(Variable).where(Variable.key == KEY))

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "success"
        assert ready_runs() == before
        assert xcom(dag_run, "dispatch") == {"triggered": [], "there": list(before), "sequence": 3}

    def test_run_revision_is_told_with_next_boundary(self, aws: FakeAws) -> None:
        told = FakeEvents(aws, [ready(1, 0), revised(2, 1)])
        run(load("flight_delays_events"))
        assert list(ready_runs()) == [run_id(0)]
        assert kept() == {"sequence": 2, "revision": {"sequence": 2, "until": hour(1)}}
        told.events.append(ready(3, 1))

        run(load("flight_delays_events"))

        runs = ready_runs()
        assert list(runs) == [run_id(0), f"{run_id(0)}__revised-2", run_id(1)]
        again = runs[f"{run_id(0)}__revised-2"]
        assert (again["from"], again["until"], again["revised"]) == (None, hour(1), True)
        assert kept() == {"sequence": 3}

    def test_run_by_messages_deals_with_all_there_is(self, aws: FakeAws, arrive: Callable[..., None]) -> None:
        """The message about the first hour was lost, the one about the second came twice, the third's comes yet."""
        FakeEvents(aws, [ready(1, 0), ready(2, 1), ready(3, 2)])
        arrive(body(ready(2, 1)), body(ready(2, 1)), body(ready(9, 9, job="another")))

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "success"
        assert list(ready_runs()) == [run_id(0), run_id(1), run_id(2)]

    def test_run_message_holds_no_event_fails_when_all_is_dealt_with(
        self, aws: FakeAws, arrive: Callable[..., None]
    ) -> None:
        FakeEvents(aws, [ready(1, 0)])
        arrive("hello", body(ready(1, 0)))

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "failed"
        # A retry would find the same.
        assert dag_run.get_task_instance("dispatch").try_number == 1
        assert list(ready_runs()) == [run_id(0)]
        assert kept() == {"sequence": 1}
        assert run(load("flight_delays_events")).state == "success"

    def test_run_events_have_expired_fails_when_all_is_dealt_with(self, aws: FakeAws) -> None:
        keep('{"sequence": 2}')
        FakeEvents(aws, [ready(5, 4)])

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "failed"
        assert list(ready_runs()) == [run_id(4)]
        assert run(load("flight_delays_events")).state == "success"

    def test_run_catching_up_is_interrupted_retry_goes_on(self, aws: FakeAws) -> None:
        told = FakeEvents(aws, [ready(number + 1, number) for number in range(7)], page_size=2)

        def list_events(request: Json) -> Json:
            if len(aws.requests("list-events")) == 3:
                raise FunctionError("Task timed out")
            return told.answer(request)

        aws.functions["list-events"] = list_events

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "success"
        assert list(ready_runs()) == [run_id(number) for number in range(7)]
        assert [request["afterSequence"] for request in aws.requests("list-events")] == [0, 2, 4, 4, 6]
        assert xcom(dag_run, "dispatch") == {"triggered": [run_id(4), run_id(5), run_id(6)], "there": [], "sequence": 7}

    def test_run_job_was_never_started_has_nothing_to_do(self, aws: FakeAws) -> None:
        aws.functions["list-events"] = lambda request: refuse(request, "JOB_NOT_FOUND")

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "success"
        assert xcom(dag_run, "dispatch") == {"triggered": [], "there": [], "sequence": None}

    @pytest.mark.parametrize("broken", [refuse, None], ids=["refused", "broken"])
    def test_run_list_events_fails_is_retried_and_fails(self, aws: FakeAws, broken: Any) -> None:
        def fail(request: Json) -> Json:
            if broken is None:
                raise FunctionError("Task timed out")
            return refuse(request, "LEDGER_UNAVAILABLE", retryable=True)

        aws.functions["list-events"] = fail

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "failed"
        assert len(aws.requests("list-events")) == 3
        assert kept() is None

    def test_run_position_is_no_position_fails(self, aws: FakeAws) -> None:
        keep("7th")
        FakeEvents(aws, [ready(1, 0)])

        dag_run = run(load("flight_delays_events"))

        assert dag_run.state == "failed"
        assert ready_runs() == {}

    def test_run_dag_to_trigger_is_not_there_fails_and_keeps_position(self, aws: FakeAws) -> None:
        FakeEvents(aws, [ready(1, 0)])
        dag = load("flight_delays_events")
        dispatch = dag.get_task("dispatch")
        assert isinstance(dispatch, DispatchFlinkDataOperator)
        dispatch.trigger_dag_id = "nowhere"

        assert run(dag).state == "failed"
        assert kept() is None


class TestHour:
    bounds: ClassVar[Json] = {
        "from": "2013-01-16T13:00:00Z",
        "until": "2013-01-16T14:00:00Z",
        "revised": False,
        "jobName": "flight-hours",
    }

    def leave(self, aws: FakeAws, *parts: bytes) -> None:
        """Have the flights, and what the stream wrote, in the bucket."""
        bucket = "sluiceway-local-data"
        aws.objects[bucket, "nycflights13/flights.csv"] = (DATA / "flights-2013-01-16.csv").read_bytes()
        for number, part in enumerate(parts):
            aws.objects[bucket, f"results/flight-hours/part-a-{number}.jsonl"] = part
        aws.objects[bucket, "results/flight-hours/late/part-a-0.jsonl"] = b'{"not": "a result"}\n'

    def written(self) -> bytes:
        return (DATA / "flight-delays-2013-01-16.jsonl").read_bytes()

    def test_run_hour_is_right_succeeds(self, aws: FakeAws) -> None:
        half = self.written().index(b"\n", 4000) + 1
        self.leave(aws, self.written()[:half], self.written()[half:])

        dag_run = run(load("flight_hour_ready"), run_conf=self.bounds)

        assert dag_run.state == "success"
        rows = [json.loads(line) for line in self.written().splitlines()]
        hours = [row for row in rows if row["hour"] == self.bounds["from"]]
        flights, cancelled = (sum(row[name] for row in hours) for name in ("flights", "cancelled"))
        assert flights > cancelled > 0
        assert xcom(dag_run, "check-slice") == {"lines": 3, "flights": flights, "cancelled": cancelled}

    def test_run_hour_was_not_committed_fails_without_retry(self, aws: FakeAws) -> None:
        lines = [line for line in self.written().splitlines(keepends=True) if b"2013-01-16T13:00:00Z" not in line]
        self.leave(aws, b"".join(lines))

        dag_run = run(load("flight_hour_ready"), run_conf=self.bounds)

        assert dag_run.state == "failed"
        assert dag_run.get_task_instance("check-slice").try_number == 1

    @pytest.mark.parametrize(("revised", "state"), [(False, "failed"), (True, "success")])
    def test_run_hours_were_written_again_is_right_only_if_it_was_told(
        self, aws: FakeAws, revised: bool, state: str
    ) -> None:
        self.leave(aws, self.written(), self.written()[: self.written().index(b"\n", 4000) + 1])

        conf = {**self.bounds, "from": None, "until": "2013-01-17T05:00:00Z", "revised": revised}
        dag_run = run(load("flight_hour_ready"), run_conf=conf)

        assert dag_run.state == state
        if revised:
            result = xcom(dag_run, "check-slice")
            assert (result["flights"], result["lines"] > 53) == (901, True)


class TestStart:
    def test_run_stream_works_ends_and_leaves_it_running(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        dag_run = run(load("flight_hours_stream"), run_conf={"replay": 720})

        assert dag_run.state == "success"
        assert aws.problems == []
        (submitted,) = aws.requests("submit-job")
        assert submitted["requestId"] == f"tests/flight_hours_stream/{dag_run.run_id}/run-stream/-1/2"
        assert submitted["job"]["args"][2:6] == [
            "--output",
            "s3://sluiceway-local-data/results/flight-hours",
            "--replay",
            "720",
        ]
        assert submitted["job"]["policies"] == {
            "dataReady": {"sink": "results", "every": "PT1H", "start": "2013-01-01T10:00:00Z"}
        }
        assert [job["state"] for job in flink.jobs.values()] == ["RUNNING"]
        assert xcom(dag_run, "run-stream", FlinkJobLink().xcom_key).endswith(next(iter(flink.jobs)))

    def test_run_job_fails_is_tried_again_as_next_attempt(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws, fails_with="java.io.IOException: no space left")

        dag_run = run(load("flight_hours_stream"))

        assert dag_run.state == "failed"
        assert [(request["try"]) for request in aws.requests("submit-job")] == [1, 2, 3]
        assert [attempt["ledger"]["attempt"] for attempt in flink.attempts.values()] == [1, 2, 3]
