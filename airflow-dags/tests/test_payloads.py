from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import DAG, macros
from jsonschema import Draft202012Validator

from conftest import SCHEMAS
from sluiceway_airflow.payloads import (
    DataReady,
    Every,
    Health,
    Jar,
    Request,
    Restart,
    RestoreMode,
    Retention,
    RollbackAfterCommit,
    Savepoints,
    UpgradeMode,
    from_answer,
    job_status,
    list_events,
    list_jobs,
    operation_status,
    rescale_job,
    stop_job,
    submit_job,
    take_savepoint,
    upgrade_job,
)

JOB = "0123456789abcdef0123456789abcdef"
OWNER = {"requestId": "tests/daily/r/submit-job/-1/2", "try": 3}
ANSWER = json.dumps({"job": {"flinkJobId": JOB, "owner": OWNER}, "operation": {"savepointPath": 's3://b/a"b'}})


class FakeTaskInstance:
    dag_id = "daily"
    run_id = "scheduled__2013-01-05T05:00:00+00:00"
    task_id = "group.submit-job"
    map_index = -1
    max_tries = 2
    try_number = 1

    def xcom_pull(self, task_ids: str) -> str:
        assert task_ids == "group.submit-job"
        return ANSWER


def render(payload: str, native: bool = False, **context: Any) -> Any:
    """Render as Airflow renders the operator's field, and read what the function would get."""
    with DAG("rendered", schedule=None, render_template_as_native_obj=native):
        operator = LambdaInvokeFunctionOperator(task_id="call", function_name="f", payload=payload)
    operator.render_template_fields({"ti": FakeTaskInstance(), "macros": macros, **context})  # type: ignore[typeddict-item]
    assert isinstance(operator.payload, str)
    return json.loads(operator.payload)


def check(function: str, request: Any) -> None:
    Draft202012Validator(json.loads((SCHEMAS / f"{function}.request.json").read_text())).validate(request)


def test_submit_job_all_fields_is_of_contract() -> None:
    request = render(
        submit_job(
            name="flights",
            kind="STREAM",
            cluster="local",
            jar=Jar("s3://jars/a.jar", version_id="v1", sha256="0" * 64),
            entry_class="io.sluiceway.Main",
            args=["--from", "{{ ds }}"],
            parallelism=2,
            restore_from="s3://data/savepoints/1",
            allow_non_restored_state=True,
            on_unknown="RERUN",
            data_ready=DataReady(
                "results", "PT1H", time_zone="America/New_York", start="{{ ds }}T05:00:00Z", end="2014-01-01T05:00:00Z"
            ),
            health=Health(
                settling_time="PT2M",
                restarts=4,
                restart_window="PT15M",
                failed_checkpoints=2,
                checkpoint_age="PT1H",
                backpressure_percent=80,
                watermark_lag="P1D",
            ),
            savepoints=Savepoints(cron="{{ minute }} 4 * * *", time_zone="America/New_York"),
            retention=Retention(count=3, age="P30D"),
            restart=Restart(limit=5, backoff="PT1M", max_backoff="PT2H", reset_after="P1D"),
            rerun=True,
            on_refusal="ANSWER",
        ),
        ds="2013-01-05",
        minute="30",
    )

    check("submit-job", request)
    assert request == {
        "requestId": "tests/daily/scheduled__2013-01-05T05:00:00+00:00/group.submit-job/-1/2",
        "try": 1,
        "onRefusal": "ANSWER",
        "rerun": True,
        "job": {
            "name": "flights",
            "kind": "STREAM",
            "cluster": "local",
            "jar": {"uri": "s3://jars/a.jar", "versionId": "v1", "sha256": "0" * 64},
            "entryClass": "io.sluiceway.Main",
            "args": ["--from", "2013-01-05"],
            "parallelism": 2,
            "restore": {"mode": "SAVEPOINT", "path": "s3://data/savepoints/1"},
            "allowNonRestoredState": True,
            "onUnknown": "RERUN",
            "policies": {
                "dataReady": {
                    "sink": "results",
                    "every": "PT1H",
                    "timeZone": "America/New_York",
                    "start": "2013-01-05T05:00:00Z",
                    "end": "2014-01-01T05:00:00Z",
                },
                "health": {
                    "settlingTime": "PT2M",
                    "restarts": 4,
                    "restartWindow": "PT15M",
                    "failedCheckpoints": 2,
                    "checkpointAge": "PT1H",
                    "backpressurePercent": 80,
                    "watermarkLag": "P1D",
                },
                "savepoints": {"cron": "30 4 * * *", "timeZone": "America/New_York"},
                "retention": {"count": 3, "age": "P30D"},
                "restart": {"limit": 5, "backoff": "PT1M", "maxBackoff": "PT2H", "resetAfter": "P1D"},
            },
        },
    }


def test_submit_job_required_fields_only_is_of_contract() -> None:
    request = render(submit_job(name="flights", kind="RUN", cluster="local", jar=Jar("s3://jars/a.jar")))

    check("submit-job", request)
    assert set(request) == {"requestId", "try", "onRefusal", "job"}
    assert request["job"] == {
        "name": "flights",
        "kind": "RUN",
        "cluster": "local",
        "jar": {"uri": "s3://jars/a.jar"},
        "args": [],
    }


@pytest.mark.parametrize("every", get_args(Every))
def test_submit_job_data_ready_required_fields_only_is_of_contract(every: Every) -> None:
    request = render(
        submit_job(
            name="flights",
            kind="STREAM",
            cluster="local",
            jar=Jar("s3://jars/a.jar"),
            data_ready=DataReady("out", every),
        )
    )

    check("submit-job", request)
    assert request["job"]["policies"] == {"dataReady": {"sink": "out", "every": every}}


def test_submit_job_one_threshold_of_health_is_of_contract() -> None:
    request = render(
        submit_job(
            name="flights",
            kind="STREAM",
            cluster="local",
            jar=Jar("s3://jars/a.jar"),
            health=Health(watermark_lag="PT59M"),
        )
    )

    check("submit-job", request)
    assert request["job"]["policies"] == {"health": {"watermarkLag": "PT59M"}}


def test_submit_job_policies_defaults_is_of_contract() -> None:
    request = render(
        submit_job(
            name="flights",
            kind="STREAM",
            cluster="local",
            jar=Jar("s3://jars/a.jar"),
            savepoints=Savepoints(every="PT6H"),
            retention=Retention(),
        )
    )

    check("submit-job", request)
    assert request["job"]["policies"] == {"savepoints": {"every": "PT6H"}, "retention": {}}


@pytest.mark.parametrize("times", [{}, {"every": "PT6H", "cron": "0 4 * * *"}])
def test_savepoints_not_one_of_every_and_cron_is_refused(times: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one of 'every' and 'cron'"):
        Savepoints(**times)


def test_savepoints_time_zone_of_a_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="'time_zone' needs 'cron'"):
        Savepoints(every="PT6H", time_zone="UTC")


def test_submit_job_restart_by_its_defaults_is_of_contract() -> None:
    request = render(
        submit_job(name="flights", kind="STREAM", cluster="local", jar=Jar("s3://jars/a.jar"), restart=Restart())
    )

    check("submit-job", request)
    assert request["job"]["policies"] == {"restart": {}}


@pytest.mark.parametrize("mode", ["NONE", "LATEST"])
def test_submit_job_restore_mode_is_of_contract(mode: RestoreMode) -> None:
    request = render(
        submit_job(name="flights", kind="STREAM", cluster="local", jar=Jar("s3://jars/a.jar"), restore=mode)
    )

    check("submit-job", request)
    assert request["job"]["restore"] == {"mode": mode}


def test_submit_job_restore_mode_and_path_is_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        submit_job(
            name="x", kind="STREAM", cluster="local", jar=Jar("s3://j/a.jar"), restore="LATEST", restore_from="s3://b/1"
        )


def test_upgrade_job_all_fields_is_of_contract() -> None:
    request = render(
        upgrade_job(
            name="flights",
            cluster="local",
            jar=Jar("s3://jars/b.jar", version_id="v2", sha256="0" * 64),
            entry_class="io.sluiceway.Main",
            args=["--from", "{{ ds }}"],
            parallelism=2,
            mode="LAST_STATE",
            rollback_after_commit="ACCEPT_DUPLICATES",
            judge_within="PT{{ minutes }}M",
            allow_non_restored_state=True,
            on_unknown="RERUN",
            data_ready=DataReady("results", "PT1H"),
            health=Health(settling_time="PT2M"),
            savepoints=Savepoints(every="PT6H"),
            retention=Retention(count=3),
            restart=Restart(limit=5),
            on_refusal="ANSWER",
        ),
        ds="2013-01-05",
        minutes="30",
    )

    check("upgrade-job", request)
    assert request == {
        "requestId": "tests/daily/scheduled__2013-01-05T05:00:00+00:00/group.submit-job/-1/2",
        "try": 1,
        "onRefusal": "ANSWER",
        "mode": "LAST_STATE",
        "rollbackAfterCommit": "ACCEPT_DUPLICATES",
        "judgeWithin": "PT30M",
        "job": {
            "name": "flights",
            "kind": "STREAM",
            "cluster": "local",
            "jar": {"uri": "s3://jars/b.jar", "versionId": "v2", "sha256": "0" * 64},
            "entryClass": "io.sluiceway.Main",
            "args": ["--from", "2013-01-05"],
            "parallelism": 2,
            "allowNonRestoredState": True,
            "onUnknown": "RERUN",
            "policies": {
                "dataReady": {"sink": "results", "every": "PT1H"},
                "health": {"settlingTime": "PT2M"},
                "savepoints": {"every": "PT6H"},
                "retention": {"count": 3},
                "restart": {"limit": 5},
            },
        },
    }


def test_upgrade_job_required_fields_only_is_of_contract() -> None:
    request = render(upgrade_job(name="flights", cluster="local", jar=Jar("s3://jars/b.jar")))

    check("upgrade-job", request)
    assert set(request) == {"requestId", "try", "onRefusal", "mode", "rollbackAfterCommit", "job"}
    assert (request["mode"], request["rollbackAfterCommit"]) == ("SAVEPOINT", "REFUSE")
    assert request["job"] == {
        "name": "flights",
        "kind": "STREAM",
        "cluster": "local",
        "jar": {"uri": "s3://jars/b.jar"},
        "args": [],
    }


@pytest.mark.parametrize("mode", get_args(UpgradeMode))
def test_upgrade_job_mode_any_is_of_contract(mode: UpgradeMode) -> None:
    request = render(upgrade_job(name="flights", cluster="local", jar=Jar("s3://jars/b.jar"), mode=mode))

    check("upgrade-job", request)
    assert request["mode"] == mode


def test_upgrade_job_state_left_behind_without_state_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the mode SAVEPOINT or LAST_STATE"):
        upgrade_job(name="x", cluster="local", jar=Jar("s3://j/a.jar"), mode="STATELESS", allow_non_restored_state=True)


def test_rescale_job_all_fields_is_of_contract() -> None:
    request = render(
        rescale_job(
            cluster="local",
            job_name="flights",
            parallelism=4,
            rollback_after_commit="ACCEPT_DUPLICATES",
            judge_within="PT10M",
            owner=Request("start/1", 2),
            on_refusal="ANSWER",
        )
    )

    check("rescale-job", request)
    assert (request["cluster"], request["jobName"], request["parallelism"]) == ("local", "flights", 4)
    assert (request["rollbackAfterCommit"], request["judgeWithin"]) == ("ACCEPT_DUPLICATES", "PT10M")
    assert request["owner"] == {"requestId": "start/1", "try": 2}


def test_rescale_job_required_fields_only_is_of_contract() -> None:
    request = render(rescale_job(cluster="local", job_name="flights", parallelism=1))

    check("rescale-job", request)
    assert set(request) == {
        "requestId",
        "try",
        "onRefusal",
        "cluster",
        "jobName",
        "parallelism",
        "rollbackAfterCommit",
    }


def test_upgrade_modes_all_are_those_of_the_contract() -> None:
    properties = json.loads((SCHEMAS / "upgrade-job.request.json").read_text())["properties"]

    assert list(get_args(UpgradeMode)) == properties["mode"]["enum"]
    assert list(get_args(RollbackAfterCommit)) == properties["rollbackAfterCommit"]["enum"]


@pytest.mark.parametrize(
    ("function", "payload"),
    [
        ("job-status", job_status(cluster="local", flink_job_id=JOB)),
        ("job-status", job_status(cluster="local", job_name="flights")),
        ("job-status", operation_status(operation_id=JOB, on_refusal="ANSWER")),
        ("take-savepoint", take_savepoint(cluster="local", flink_job_id=JOB)),
        ("take-savepoint", take_savepoint(cluster="local", job_name="flights")),
        ("take-savepoint", take_savepoint(cluster="local", job_name="flights", pin=True)),
        ("stop-job", stop_job(cluster="local", flink_job_id=JOB)),
        ("stop-job", stop_job(cluster="local", job_name="flights", owner=Request("a", 1))),
        ("stop-job", stop_job(cluster="local", flink_job_id=JOB, mode="DRAIN", on_refusal="ANSWER")),
        ("take-savepoint", take_savepoint(cluster="local", job_name="flights", dry_run=True)),
        ("stop-job", stop_job(cluster="local", job_name="flights", dry_run=True)),
        (
            "submit-job",
            submit_job(name="flights", kind="RUN", cluster="local", jar=Jar("s3://jars/a.jar"), dry_run=True),
        ),
        ("upgrade-job", upgrade_job(name="flights", cluster="local", jar=Jar("s3://jars/a.jar"), dry_run=True)),
        ("rescale-job", rescale_job(cluster="local", job_name="flights", parallelism=3, dry_run=True)),
        ("list-jobs", list_jobs(cluster="local")),
        ("list-events", list_events(cluster="local", job_name="flights")),
        ("list-events", list_events(cluster="local", job_name="flights", after_sequence=0, page_size=100)),
        ("list-jobs", list_jobs(cluster="local", page_size=10, page_token=f"1357448400000-{JOB}")),
    ],
)
def test_builder_any_is_of_contract(function: str, payload: str) -> None:
    check(function, render(payload))


@pytest.mark.parametrize("builder", [take_savepoint, stop_job])
def test_builder_dry_run_is_said_only_when_it_is_one(builder: Any) -> None:
    assert render(builder(cluster="local", job_name="flights", dry_run=True))["dryRun"] is True
    assert "dryRun" not in render(builder(cluster="local", job_name="flights"))


@pytest.mark.parametrize("builder", [job_status, take_savepoint, stop_job])
@pytest.mark.parametrize("naming", [{}, {"flink_job_id": JOB, "job_name": "flights"}])
def test_builder_job_named_not_once_is_refused(builder: Any, naming: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either by flink_job_id or by job_name"):
        builder(cluster="local", **naming)


@pytest.mark.parametrize("native", [False, True])
def test_stop_job_owner_of_answer_is_that_of_job(native: bool) -> None:
    owner = Request.of_answer("group.submit-job")

    request = render(stop_job(cluster="local", flink_job_id=JOB, owner=owner), native)

    check("stop-job", request)
    assert request["owner"] == OWNER
    assert request["requestId"] != OWNER["requestId"]


def test_rendered_task_instance_is_as_template_renders_it() -> None:
    task_instance = FakeTaskInstance()

    request = Request.rendered(task_instance)

    by_template = render(take_savepoint(cluster="local", flink_job_id=JOB))
    assert (request.request_id, request.try_number) == (by_template["requestId"], by_template["try"])


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "value",
    ['"', "\\", "'", "}}", "{{ 1 }}", "{%", "{#", "\n", "\t", "\x00", "é🛬", "007", "1e3", "None", "[1]", " a ", ""],
)
def test_submit_job_value_at_run_time_arrives_as_it_is(value: str, native: bool) -> None:
    payload = submit_job(
        name="x", kind="RUN", cluster="local", jar=Jar("s3://j/a.jar"), args=["{{ v }}", "a{{ v }}b", "{{ v }}"]
    )

    assert render(payload, native, v=value)["job"]["args"] == [value, f"a{value}b", value]


@pytest.mark.parametrize("value", ['"', "\\", "'", "}}", "\n", "é🛬", "{", '{"a": {"b": 1}}', "</script>"])
def test_submit_job_value_in_dag_file_arrives_as_it_is(value: str) -> None:
    payload = submit_job(name="x", kind="RUN", cluster="local", jar=Jar("s3://j/a.jar"), args=[value])

    assert render(payload)["job"]["args"] == [value]


def test_submit_job_request_of_its_own_is_taken() -> None:
    request = render(
        submit_job(
            name="x", kind="RUN", cluster="local", jar=Jar("s3://j/a.jar"), request=Request("mine/{{ ti.run_id }}", 3)
        )
    )

    assert (request["requestId"], request["try"]) == ("mine/scheduled__2013-01-05T05:00:00+00:00", 3)


def test_of_task_instance_deployment_given_is_first_part() -> None:
    request = Request.of_task_instance("mwaa-prod")

    payload = take_savepoint(cluster="local", flink_job_id=JOB, request=request)

    assert render(payload)["requestId"].startswith("mwaa-prod/daily/")


@pytest.mark.parametrize("native", [False, True])
def test_from_answer_values_of_earlier_task_are_taken(native: bool) -> None:
    request = render(
        submit_job(
            name="x",
            kind="STREAM",
            cluster="local",
            jar=Jar("s3://j/a.jar"),
            args=[f"--output=s3://b/{from_answer('group.submit-job', 'job.flinkJobId')}"],
            restore_from=from_answer("group.submit-job", "operation.savepointPath"),
        ),
        native,
    )

    assert request["job"]["args"] == [f"--output=s3://b/{JOB}"]
    assert request["job"]["restore"]["path"] == 's3://b/a"b'
