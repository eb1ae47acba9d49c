"""DAGs run by ``dag.test()``: real Airflow tasks and triggers, real boto3 and aiobotocore, a fake AWS behind HTTP."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.models.taskinstance import clear_task_instances
from airflow.sdk import DAG
from airflow.utils.session import create_session

from conftest import DAGS, PROBES, REPORTS, load_dag
from fake_aws import FakeAws, FakeFlink, FunctionError, Json, refuse
from sluiceway_airflow.links.flink_job import FlinkJobLink

ROWS = Path(__file__).parent / "data" / "flight-delays-2013-01-16.jsonl"

pytestmark = pytest.mark.usefixtures("airflow_database")


def load(dag_id: str) -> DAG:
    return load_dag(DAGS / f"{dag_id}.py", dag_id)


def probe(dag_id: str) -> DAG:
    return load_dag(PROBES / "probes.py", dag_id)


def run(dag: DAG, **kwargs: Any) -> Any:
    return dag.test(**kwargs)


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


class TestDaily:
    # The day before a logical date is the interval of a run that is triggered by hand.
    after_16_january = datetime.fromisoformat("2013-01-17T12:00:00+00:00")

    def test_run_day_with_result_writes_report_of_that_job(self, aws: FakeAws) -> None:
        def leave_result(job: Json) -> None:
            aws.objects.update(result_objects(job["flinkJobId"]))

        flink = FakeFlink(aws, on_finished=leave_result)
        aws.objects.update(result_objects("f" * 32, ROWS.read_bytes() * 2))

        dag_run = run(load("flight_delays_daily"), logical_date=self.after_16_january)

        assert dag_run.state == "success"
        assert aws.problems == []
        (submitted,) = aws.requests("submit-job")
        assert submitted["job"]["name"] == "flight-delays-2013-01-16"
        assert submitted["job"]["args"][-4:] == ["--from", "2013-01-16", "--to", "2013-01-17"]
        assert submitted["requestId"] == f"tests/flight_delays_daily/{dag_run.run_id}/submit-job/-1/2"
        assert submitted["try"] == 1
        (flink_job_id,) = flink.jobs
        report = json.loads((REPORTS / "flight-delays-2013-01-16.json").read_text())
        assert report["flink_job_id"] == flink_job_id
        assert [airport["flights"] for airport in report["airports"]] == [338, 285, 278]
        assert (REPORTS / "flight-delays-2013-01-16.png").read_bytes().startswith(b"\x89PNG")

    def test_run_job_fails_fails_waiting_task_without_retry(self, aws: FakeAws) -> None:
        FakeFlink(aws, fails_with="java.io.IOException: no space left")

        dag_run = run(load("flight_delays_daily"), logical_date=self.after_16_january)

        assert dag_run.state == "failed"
        assert states(dag_run) == {
            "submit-job": "success",
            "wait-for-job": "failed",
            "read-result": "upstream_failed",
            "write-report": "upstream_failed",
        }

    def test_run_job_left_no_result_fails(self, aws: FakeAws) -> None:
        FakeFlink(aws)

        dag_run = run(load("flight_delays_daily"), logical_date=self.after_16_january)

        assert dag_run.state == "failed"
        assert states(dag_run)["read-result"] == "failed"


class TestStream:
    def test_run_once_round_restores_from_stop_and_leaves_nothing(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "success"
        assert set(states(dag_run).values()) == {"success"}
        assert aws.problems == []
        first, second = aws.requests("submit-job")
        stop_id = next(id_ for id_, operation in flink.operations.items() if operation["type"] == "STOP_WITH_SAVEPOINT")
        assert first["job"]["restore"] == {"mode": "NONE"}
        assert second["job"]["restore"] == {"mode": "LATEST"}
        lives = list(flink.attempts.values())
        assert [life["ledger"].get("restoredFrom") for life in lives] == [
            None,
            f"s3://sluiceway-local-data/savepoints/{stop_id}",
        ]
        # Each stop is on behalf of the task that has started the execution.
        owners = [life["ledger"]["owner"] for life in lives]
        stops = [stop["owner"]["requestId"] for stop in aws.requests("stop-job")]
        assert sorted(stops) == sorted(owner["requestId"] for owner in owners * 2)
        outputs = [spec["job"]["args"][3].rpartition("/")[2] for spec in (first, second)]
        assert outputs == ["{flinkJobId}", next(iter(flink.jobs))]
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "CANCELED"]

    def test_run_savepoint_refused_cancels_first_life(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        def refuse(request: Json) -> Json:
            raise FunctionError('CLUSTER_REFUSED: {"outcome":"REFUSED","error":{}}')

        aws.functions["take-savepoint"] = refuse

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "failed"
        assert states(dag_run)["clean-up.stop-first-life"] == "success"
        assert [job["state"] for job in flink.jobs.values()] == ["CANCELED"]

    def test_run_clean_up_fails_at_first_is_retried(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        errors = iter([FunctionError("Task timed out")] * (3 + 2))

        def stop(request: Json) -> Json:
            if (error := next(errors, None)) is not None:
                raise error
            return flink.stop(request)

        # The first life's own stop fails in each try, and so do two tries to clean up.
        aws.functions["stop-job"] = stop

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "failed"
        assert states(dag_run)["clean-up.stop-first-life"] == "success"
        assert [job["state"] for job in flink.jobs.values()] == ["CANCELED"]

    def test_run_answer_of_submit_is_lost_cannot_clean_up(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        def submit(request: Json) -> Json:
            flink.submit(request)
            raise FunctionError("Task timed out")

        aws.functions["submit-job"] = submit

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "failed"
        assert states(dag_run)["clean-up.stop-first-life"] == "upstream_failed"
        assert [request["try"] for request in aws.requests("submit-job")] == [1, 2, 3]
        assert [job["state"] for job in flink.jobs.values()] == ["INITIALIZING"]

    @pytest.mark.parametrize("function", ["submit-job", "take-savepoint", "stop-job"])
    def test_run_answer_is_lost_retry_takes_over_what_was_started(self, aws: FakeAws, function: str) -> None:
        flink = FakeFlink(aws)
        whole = aws.functions[function]
        lost: list[str] = []

        def lose_answer(request: Json) -> Json:
            answer = whole(request)
            if not lost:
                lost.append(request["requestId"])
                raise FunctionError("Task timed out")
            return answer

        aws.functions[function] = lose_answer

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "success"
        assert aws.problems == []
        assert [request["try"] for request in aws.requests(function) if request["requestId"] in lost] == [1, 2]
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "CANCELED"]
        types = [operation["type"] for operation in flink.operations.values()]
        assert types == ["TAKE_SAVEPOINT", "STOP_WITH_SAVEPOINT", "CANCEL", "CANCEL", "CANCEL"]

    def test_run_second_life_begins_with_other_state_fails_check_and_cleans_up(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        status = aws.functions["job-status"]

        def forget_state(request: Json) -> Json:
            answer = status(request)
            answer["job"].pop("restoredFrom", None)
            return answer

        aws.functions["job-status"] = forget_state

        dag_run = run(load("flight_delays_stream"))

        assert states(dag_run)["second-life.check-jobs"] == "failed"
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "CANCELED"]

    def test_run_another_request_has_adopted_job_leaves_it_alone(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        other = {"requestId": "other", "try": 1}

        def adopt(request: Json) -> Json:
            (job,) = flink.attempts.values()
            flink.submit({**other, "job": job["spec"]})
            return refuse(request, "CLUSTER_REFUSED")

        aws.functions["take-savepoint"] = adopt

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "failed"
        assert states(dag_run)["clean-up.stop-first-life"] == "failed"
        assert [job["state"] for job in flink.jobs.values()] == ["RUNNING"]

    @pytest.mark.parametrize("page", [{"jobs": []}, {"nextPageToken": "1-a"}], ids=["without first", "not the last"])
    def test_run_list_is_not_whole_fails_check(self, aws: FakeAws, page: Json) -> None:
        flink = FakeFlink(aws)
        whole = aws.functions["list-jobs"]
        aws.functions["list-jobs"] = lambda request: {**whole(request), **page}

        dag_run = run(load("flight_delays_stream"))

        assert states(dag_run)["second-life.check-jobs"] == "failed"
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "CANCELED"]

    def test_run_another_execution_lives_fails_and_cancels_own(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        other = flink.add_job("flight-delays-stream", "f" * 32)

        dag_run = run(load("flight_delays_stream"))

        assert dag_run.state == "failed"
        assert states(dag_run)["second-life.check-jobs"] == "failed"
        assert [job["state"] for job in flink.jobs.values()] == ["INITIALIZING", "FINISHED", "CANCELED"]
        assert not other["terminal"]


class TestManagedStream:
    def test_run_once_round_restores_from_stop_and_leaves_nothing(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws, managed=True)

        dag_run = run(load("flight_delays_stream_managed"))

        assert dag_run.state == "success"
        assert set(states(dag_run).values()) == {"success"}
        assert aws.problems == []
        first, second = aws.requests("submit-job")
        for spec in (first["job"], second["job"]):
            assert (spec["cluster"], spec["kind"]) == ("managed", "STREAM")
            # Runtime properties are pairs, and the application has the checkpoint interval.
            assert spec["args"][::2] == ["--input", "--output", "--replay"]
            assert spec["args"][3] == f"s3://sluiceway-local-data/results/flight-delays-stream/{dag_run.run_id}"
        assert [spec["job"]["restore"]["mode"] for spec in (first, second)] == ["NONE", "LATEST"]
        stop_id = next(id_ for id_, operation in flink.operations.items() if operation["type"] == "STOP_WITH_SAVEPOINT")
        lives = list(flink.attempts.values())
        assert [life["ledger"].get("restoredFrom") for life in lives] == [
            None,
            f"s3://sluiceway-local-data/savepoints/{stop_id}",
        ]
        # Both are stopped with a savepoint, which writes what was computed.
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "FINISHED"]

    def test_run_savepoint_refused_cancels_first_life(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws, managed=True)
        aws.functions["take-savepoint"] = lambda request: refuse(request, "CLUSTER_REFUSED")

        dag_run = run(load("flight_delays_stream_managed"))

        assert dag_run.state == "failed"
        assert states(dag_run)["clean-up.stop-first-life"] == "success"
        assert [job["state"] for job in flink.jobs.values()] == ["CANCELED"]

    def test_run_second_life_begins_with_other_state_fails_check_and_cleans_up(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws, managed=True)
        status = aws.functions["job-status"]

        def forget_state(request: Json) -> Json:
            answer = status(request)
            answer["job"].pop("restoredFrom", None)
            return answer

        aws.functions["job-status"] = forget_state

        dag_run = run(load("flight_delays_stream_managed"))

        assert states(dag_run)["second-life.check-jobs"] == "failed"
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "CANCELED"]

    def test_run_second_life_is_not_listed_fails_check_and_cleans_up(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws, managed=True)
        aws.functions["list-jobs"] = lambda request: {"outcome": "OBSERVED", "jobs": []}

        dag_run = run(load("flight_delays_stream_managed"))

        assert states(dag_run)["second-life.check-jobs"] == "failed"
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "CANCELED"]


class TestUpgrade:
    def test_run_new_version_is_stable_reports_it_and_leaves_nothing(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        dag_run = run(load("flight_delays_upgrade"))

        assert dag_run.state == "success"
        assert set(states(dag_run).values()) == {"success"}
        assert aws.problems == []
        (submitted,), (upgraded,) = aws.requests("submit-job"), aws.requests("upgrade-job")
        assert submitted["job"]["restore"] == {"mode": "NONE"}
        # All but the jar is the same: above all the directory that the state of the sink names.
        assert {**upgraded["job"], "jar": None} == {
            **{key: value for key, value in submitted["job"].items() if key != "restore"},
            "jar": None,
        }
        assert upgraded["job"]["jar"]["uri"] == "s3://sluiceway-local-jobs/jars/flight-delays-v2.jar"
        (operation,) = [one for one in flink.operations.values() if one["type"] == "UPGRADE_JOB"]
        first, second = flink.jobs
        assert xcom(dag_run, "upgrade.report-upgrade") == {
            "ending": "UPGRADED",
            "why": None,
            "seconds": 4.0,
            "seconds_down": 4.0,
            "savepoint": operation["savepointPath"],
            "emitted_again": None,
            "old_flink_job_id": first,
            "runs": "the new version",
            "flink_job_id": second,
            "jar": "s3://sluiceway-local-jobs/jars/flight-delays-v2.jar",
        }
        assert [job["state"] for job in flink.jobs.values()] == ["FINISHED", "FINISHED"]

    @pytest.mark.parametrize("ending", ["ROLLED_BACK", "FAILED"])
    def test_run_upgrade_ends_badly_reports_why_fails_and_cleans_up(self, aws: FakeAws, ending: str) -> None:
        flink = FakeFlink(aws, upgrades_end=ending)

        dag_run = run(load("flight_delays_upgrade"))

        assert dag_run.state == "failed"
        assert aws.problems == []
        assert states(dag_run)["upgrade.wait-for-upgrade"] == "success"
        assert states(dag_run)["upgrade.check-upgrade"] == "failed"
        assert states(dag_run)["clean-up.stop-stream"] == "success"
        told = xcom(dag_run, "upgrade.report-upgrade")
        assert told["ending"] == ending
        assert told["why"] == "It is UNHEALTHY: It failed 3 times. That is how it ended."
        assert told["flink_job_id"] == list(flink.jobs)[-1]
        runs = {"ROLLED_BACK": ("the old version", "flight-delays.jar"), "FAILED": ("the new version", "-v2.jar")}
        assert told["runs"] == runs[ending][0]
        assert told["jar"].endswith(runs[ending][1])
        assert all(job["terminal"] for job in flink.jobs.values())

    def test_run_jar_is_the_one_that_runs_reports_that_it_runs(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        dag_run = run(
            load("flight_delays_upgrade"), run_conf={"jar": "s3://sluiceway-local-jobs/jars/flight-delays.jar"}
        )

        assert dag_run.state == "success"
        assert aws.problems == []
        told = xcom(dag_run, "upgrade.report-upgrade")
        assert (told["ending"], told["runs"], told["seconds_down"]) == ("UPGRADED", "the new version", 0.0)
        (only,) = flink.jobs
        assert told["flink_job_id"] == only

    def test_run_answer_of_upgrade_is_lost_retry_takes_over_what_was_started(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        lost: list[Json] = []

        def lose_answer(request: Json) -> Json:
            answer = flink.upgrade(request)
            if not lost:
                lost.append(answer)
                raise FunctionError("Task timed out")
            return answer

        aws.functions["upgrade-job"] = lose_answer

        dag_run = run(load("flight_delays_upgrade"))

        assert dag_run.state == "success"
        assert aws.problems == []
        assert [request["try"] for request in aws.requests("upgrade-job")] == [1, 2]
        assert len(flink.jobs) == 2

    def test_run_upgrade_is_refused_cancels_the_first_version(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        aws.functions["upgrade-job"] = lambda request: refuse(request, "JAR_NOT_FOUND")

        dag_run = run(load("flight_delays_upgrade"))

        assert dag_run.state == "failed"
        assert states(dag_run)["clean-up.stop-stream"] == "success"
        assert [job["state"] for job in flink.jobs.values()] == ["CANCELED"]


class TestSubmit:
    def test_submit_while_earlier_call_is_at_it_repeats_until_job_is_there(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        def submit(request: Json) -> Json:
            answer = flink.submit(request)
            if len(aws.requests("submit-job")) > 2:
                return answer
            answer["outcome"] = "IN_PROGRESS"
            del answer["job"]["state"]
            answer["job"]["attemptState"] = "POSTING"
            return answer

        aws.functions["submit-job"] = submit

        dag_run = run(probe("repeated"))

        assert dag_run.state == "success"
        assert aws.problems == []
        first, *others = aws.requests("submit-job")
        assert others == [first, first]
        assert xcom(dag_run, "submit-job")["outcome"] == "REPLAYED"
        assert len(flink.jobs) == 1

    def test_submit_is_refused_for_good_is_not_retried(self, aws: FakeAws) -> None:
        FakeFlink(aws)
        aws.functions["submit-job"] = lambda request: refuse(request, "JAR_NOT_FOUND")

        dag_run = run(probe("repeated"))

        assert dag_run.state == "failed"
        assert len(aws.requests("submit-job")) == 1


class TestRequests:
    def test_retry_of_task_repeats_request_with_next_try(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)
        errors = iter([FunctionError("Task timed out"), None])

        def submit(request: Json) -> Json:
            if (error := next(errors)) is not None:
                raise error
            return flink.submit(request)

        aws.functions["submit-job"] = submit

        dag_run = run(probe("retried"))

        assert dag_run.state == "success"
        first, second = aws.requests("submit-job")
        assert first["requestId"] == second["requestId"] == f"tests/retried/{dag_run.run_id}/submit-job/-1/2"
        assert (first["try"], second["try"]) == (1, 2)

    def test_clear_of_task_changes_max_tries_and_so_request(self, aws: FakeAws) -> None:
        FakeFlink(aws)
        dag_run = run(probe("retried"))

        with create_session() as session:
            task_instance = session.merge(dag_run.get_task_instance("submit-job"))
            before = (task_instance.try_number, task_instance.max_tries)
            clear_task_instances([task_instance], session=session)
            after = (task_instance.try_number, task_instance.max_tries)

        assert before == (1, 2)
        assert after == (1, 3)

    def test_mapped_tasks_make_requests_of_their_own(self, aws: FakeAws) -> None:
        FakeFlink(aws)

        dag_run = run(probe("mapped"))

        assert dag_run.state == "success"
        assert {(request["job"]["name"], request["requestId"]) for request in aws.requests("submit-job")} == {
            ("a", f"tests/mapped/{dag_run.run_id}/submit-job/0/0"),
            ("b", f"tests/mapped/{dag_run.run_id}/submit-job/1/0"),
        }

    @pytest.mark.parametrize("dag_id", ["nasty_false", "nasty_true"])
    def test_values_of_a_run_reach_function_as_they_are(self, aws: FakeAws, dag_id: str) -> None:
        FakeFlink(aws)
        nasty = '"}]}, "try": 7, {{ 1 + 1 }} \\ \n \t é 🛬 <b> & \' {% endset %}'

        dag_run = run(probe(dag_id), run_conf={"nasty": nasty})

        assert dag_run.state == "success"
        assert aws.problems == []
        (request,) = aws.requests("submit-job")
        assert request["job"]["args"] == [nasty, "007", "007", "['a']", "", "1e3"]
        assert request["try"] == 1

    def test_answer_in_xcom_is_text(self, aws: FakeAws) -> None:
        FakeFlink(aws)

        dag_run = run(probe("listed"))

        assert xcom(dag_run, "name_type") == "str"


class TestWait:
    def test_wait_for_job_stores_link_and_gives_last_answer(self, aws: FakeAws) -> None:
        flink = FakeFlink(aws)

        dag_run = run(probe("waited"))

        assert dag_run.state == "success"
        (flink_job_id,) = flink.jobs
        assert xcom(dag_run, "wait-for-job", FlinkJobLink().xcom_key).endswith(flink_job_id)
        assert xcom(dag_run, "read_answer") == ["FINISHED", "0:00:08.500000"]


def xcom(dag_run: Any, task_id: str, key: str = "return_value") -> Any:
    return dag_run.get_task_instance(task_id).xcom_pull(task_ids=task_id, key=key)


def result_objects(flink_job_id: str, rows: bytes | None = None) -> dict[tuple[str, str], bytes]:
    lines = ROWS.read_bytes() if rows is None else rows
    half = lines.index(b"\n", len(lines) // 2) + 1
    directory = f"results/flight-delays/2013-01-16/{flink_job_id}"
    return {
        ("sluiceway-local-data", f"{directory}/part-a-0.jsonl"): lines[:half],
        ("sluiceway-local-data", f"{directory}/part-b-0.jsonl"): lines[half:],
        ("sluiceway-local-data", f"{directory}/late/part-a-0.jsonl"): lines,
    }
