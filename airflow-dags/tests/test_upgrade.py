from __future__ import annotations

from typing import Any

import pytest

from flight_delays.upgrade import in_words, report
from sluiceway_airflow.answers import Job, Operation

OLD, NEW, RETURNED = "1" * 32, "2" * 32, "3" * 32
JAR = {"jar": "s3://jars/flight-delays-v2.jar"}
STABLE = {"state": "STABLE", "runningSince": "2026-11-23T04:01:07.25Z", "reasons": []}


def operation(ending: str | None = "UPGRADED", upgrade: dict[str, Any] | None = None, **more: Any) -> Operation:
    given: dict[str, Any] = {"mode": "SAVEPOINT", "rollbackAfterCommit": "REFUSE", "step": "JUDGING"}
    given |= {"newFlinkJobId": NEW} if upgrade is None else upgrade
    return Operation.model_validate(
        {
            "operationId": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "type": "UPGRADE_JOB",
            "state": "COMPLETED",
            "terminal": True,
            "cluster": "local",
            "jobName": "flight-delays",
            "flinkJobId": OLD,
            "createdAt": "2026-11-23T04:01:00Z",
            "endedAt": "2026-11-23T04:01:20.5Z",
            "savepointPath": "s3://data/savepoints/1",
            "upgrade": {**given, "ending": ending},
            **more,
        }
    )


def job(flink_job_id: str, **more: Any) -> Job:
    return Job.model_validate({"cluster": "local", "name": "flight-delays", "flinkJobId": flink_job_id, **more})


BEFORE = job(OLD, state="FINISHED", terminal=True, endedAt="2026-11-23T04:01:03Z")
AFTER = job(NEW, state="RUNNING", health=STABLE, version=JAR)


def told(of: Operation, before: Job = BEFORE, now: Job = AFTER) -> Any:
    assert of.upgrade is not None
    return report(of, of.upgrade, before, now)


def test_report_new_version_took_over_tells_how_long_none_ran() -> None:
    seen = told(operation())

    assert (seen["seconds"], seen["seconds_down"]) == (20.5, 4.2)
    assert in_words(seen) == [
        "The upgrade ended as UPGRADED after 20.5 s; no version ran for 4.2 s.",
        f"The old version, {OLD}, left s3://data/savepoints/1.",
        f"What runs now is the new version, {NEW} from s3://jars/flight-delays-v2.jar.",
    ]


def test_report_rolled_back_tells_why_and_what_comes_again() -> None:
    back = {
        "newFlinkJobId": NEW,
        "returnedFlinkJobId": RETURNED,
        "emittedAgain": {"from": "2026-11-23T04:01:05Z", "until": "2026-11-23T04:01:15Z"},
    }
    seen = told(
        operation("ROLLED_BACK", back, state="FAILED", failure="It is UNHEALTHY. The old version runs again."),
        now=job(RETURNED, state="RUNNING", health=STABLE),
    )

    assert in_words(seen) == [
        "The upgrade ended as ROLLED_BACK after 20.5 s; no version ran for 4.2 s.",
        "Why: It is UNHEALTHY. The old version runs again.",
        f"The old version, {OLD}, left s3://data/savepoints/1.",
        "What the new version has written comes again; it was at work in "
        "2026-11-23T04:01:05+00:00/2026-11-23T04:01:15+00:00.",
        f"What runs now is the old version, {RETURNED} from a jar that nobody recorded.",
    ]


def test_report_old_version_couldnt_be_stopped_says_that_it_runs() -> None:
    running = job(OLD, state="RUNNING", health=STABLE, version={"jar": "s3://jars/flight-delays.jar"})

    seen = told(operation("FAILED", {}, state="FAILED", savepointPath=None), before=running, now=running)

    assert (seen["runs"], seen["seconds_down"], seen["savepoint"]) == ("the old version", 0.0, None)
    assert f"The old version, {OLD}, left no savepoint." in in_words(seen)


@pytest.mark.parametrize(
    ("now", "runs"),
    [
        (AFTER, "the new version"),
        (job(OLD, state="RUNNING"), "the old version"),
        (job(RETURNED, state="RUNNING"), "another version"),
        (job(NEW, state="FAILED", terminal=True), "nothing"),
    ],
)
def test_report_runs_is_told_by_the_execution(now: Job, runs: str) -> None:
    assert told(operation("FAILED", state="FAILED"), now=now)["runs"] == runs


def test_report_nothing_runs_says_what_was_last_and_no_time() -> None:
    last = job(NEW, state="FAILED", terminal=True, version=JAR)

    lines = in_words(told(operation("FAILED", state="FAILED"), now=last))

    assert lines[0] == "The upgrade ended as FAILED after 20.5 s; nobody can tell for how long no version ran."
    assert lines[-1] == f"Nothing runs; the last was {NEW} from s3://jars/flight-delays-v2.jar."


def test_report_version_ran_already_is_the_new_one() -> None:
    running = job(OLD, state="RUNNING", health=STABLE)

    seen = told(operation("UPGRADED", {}), before=running, now=running)

    assert (seen["runs"], seen["seconds_down"]) == ("the new version", 0.0)


def test_report_upgrade_goes_on_is_refused() -> None:
    with pytest.raises(ValueError, match="hasn't ended"):
        told(operation(None, endedAt=None, terminal=False, state="IN_PROGRESS"))
