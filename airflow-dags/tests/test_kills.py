"""What becomes of Flink jobs when tasks are killed, marked or cleared: real Airflow processes, functions and Flink.

That a job lives, and how many were ever started, is asked of Flink itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from real_airflow import ADDED_DAGS, DagRun, FlinkCluster, RealAirflow, Task, Triggerer, until

DAGS = Path(__file__).parent / "stack_dags" / "killed.py"
DETACH, STOP, CANCEL = ("DETACH", "STOP_WITH_SAVEPOINT", "CANCEL")

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def flink() -> FlinkCluster:
    return FlinkCluster()


@pytest.fixture(scope="module")
def with_dags() -> Iterator[RealAirflow]:
    """The stack's Airflow, which has the DAGs meanwhile."""
    airflow = RealAirflow()
    added = ADDED_DAGS / DAGS.name
    shutil.copy(DAGS, added)
    try:
        wanted = {"killed_waits", "killed_submit", "killed_run"}
        until(lambda: wanted <= airflow.dag_ids(), lambda: f"Airflow has only {airflow.dag_ids()}")
        yield airflow
    finally:
        added.unlink()


@pytest.fixture
def start(with_dags: RealAirflow, flink: FlinkCluster) -> Iterator[Callable[..., DagRun]]:
    """Starts runs, of which nothing is left when the test is over."""
    runs: list[DagRun] = []

    def start(dag_id: str, **conf: str) -> DagRun:
        runs.append(with_dags.start(dag_id, **conf))
        return runs[-1]

    yield start
    for run in runs:
        if run.state() not in ("success", "failed"):
            run.mark("failed")
    for run in runs:
        cancel_all(run.run_id, flink)


def cancel_all(prefix: str, flink: FlinkCluster) -> None:
    def look() -> bool:
        living = flink.living(prefix)
        for jid in living:
            flink.cancel(jid)
        return not living

    until(look, lambda: f"Of {prefix} live {flink.living(prefix)}")


class TestWait:
    """A wait is killed in the triggerer, one under each policy at the same time."""

    @pytest.fixture
    def run(self, start: Callable[..., DagRun]) -> DagRun:
        run = start("killed_waits")
        for wait in self.waits(run).values():
            wait.await_wait()
        return run

    @staticmethod
    def waits(run: DagRun) -> dict[str, Task]:
        return {policy: run.task(f"{policy}.wait-for-job") for policy in (DETACH, STOP, CANCEL)}

    @staticmethod
    def assert_policies_are_honoured(run: DagRun, flink: FlinkCluster) -> None:
        (stopped,) = flink.await_states(f"{run.run_id}-stop-with-savepoint", "FINISHED")
        flink.await_savepoint(stopped)
        (cancelled,) = flink.await_states(f"{run.run_id}-cancel", "CANCELED")
        # The others have been stopped since, and this one wasn't.
        (detached,) = flink.await_states(f"{run.run_id}-detach", "RUNNING")
        flink.await_progress(detached)
        assert flink.savepoints(cancelled) == 0

    def test_wait_marked_failed_policy_holds(self, run: DagRun, flink: FlinkCluster) -> None:
        for wait in self.waits(run).values():
            wait.mark("failed")

        self.assert_policies_are_honoured(run, flink)
        assert [wait.state() for wait in self.waits(run).values()] == ["failed"] * 3

    def test_wait_run_marked_failed_policy_holds(self, run: DagRun, flink: FlinkCluster) -> None:
        run.mark("failed")

        self.assert_policies_are_honoured(run, flink)
        assert [wait.state() for wait in self.waits(run).values()] == ["failed"] * 3

    def test_wait_cleared_policy_holds_and_it_waits_again(self, run: DagRun, flink: FlinkCluster) -> None:
        for wait in self.waits(run).values():
            wait.clear()

        self.assert_policies_are_honoured(run, flink)
        waits = self.waits(run)
        waits[STOP].await_state("success", try_number=2)
        waits[CANCEL].await_state("failed", try_number=2)
        assert "is CANCELED; FINISHED was awaited." in waits[CANCEL].log()
        waits[DETACH].await_wait(try_number=2)
        # Nobody has started anything anew.
        self.assert_policies_are_honoured(run, flink)


class TestTriggerer:
    @pytest.fixture
    def triggerer(self) -> Iterator[Triggerer]:
        triggerer = Triggerer()
        yield triggerer
        triggerer.start()

    def test_triggerer_killed_and_shut_down_waits_go_on(
        self, start: Callable[..., DagRun], flink: FlinkCluster, triggerer: Triggerer
    ) -> None:
        run = start("killed_submit")
        wait = run.task("wait-for-job")
        wait.await_wait()
        (jid,) = flink.await_states(run.run_id, "RUNNING")

        for times, end in enumerate((triggerer.kill, triggerer.terminate), start=2):
            end()
            flink.await_progress(jid)
            triggerer.start()
            # The trigger begins anew, in the triggerer that takes it up.
            wait.await_log("it is RUNNING", times)
            flink.await_progress(jid)
        assert wait.state() == "deferred"
        flink.stop(jid)

        wait.await_state("success", try_number=1)
        flink.await_states(run.run_id, "FINISHED")


class TestSubmit:
    """A ``submit-job`` is cleared; the wait after it has the policy CANCEL, for adopted jobs, too."""

    def test_submit_cleared_while_it_runs_is_one_job_of_the_last_try(
        self, start: Callable[..., DagRun], flink: FlinkCluster
    ) -> None:
        run = start("killed_submit", first_try="lingers")
        submit, wait = run.task("submit-job"), run.task("wait-for-job")
        (jid,) = flink.await_states(run.run_id, "RUNNING")
        assert submit.state() == "running"

        submit.clear()

        submit.await_state("success", try_number=2)
        wait.await_wait()
        answer = submit.answer()
        assert (answer.outcome, answer.require_job().flink_job_id) == ("ADOPTED", jid)
        # The first try, which was killed, does its job no harm.
        flink.await_progress(jid)
        flink.await_states(run.run_id, "RUNNING")
        wait.mark("failed")
        flink.await_states(run.run_id, "CANCELED")

    def test_submit_cleared_while_its_job_lives_old_wait_does_not_stop_adopted_job(
        self, start: Callable[..., DagRun], flink: FlinkCluster
    ) -> None:
        run = start("killed_submit")
        submit, wait = run.task("submit-job"), run.task("wait-for-job")
        wait.await_wait()
        first = submit.answer().require_job()

        submit.clear()
        submit.await_state("success", try_number=2)
        second = submit.answer()
        assert (second.outcome, second.require_job().flink_job_id) == ("ADOPTED", first.flink_job_id)
        assert second.require_job().owner != first.owner
        wait.mark("failed")

        wait.await_log("is left alone: STALE_OWNER")
        flink.await_progress(first.flink_job_id)
        flink.await_states(run.run_id, "RUNNING")
        # The wait that has the new answer has the right to stop it.
        wait.clear()
        wait.await_wait(try_number=2)
        wait.mark("failed")
        flink.await_states(run.run_id, "CANCELED")

    def test_submit_cleared_after_its_job_ended_is_one_new_job(
        self, start: Callable[..., DagRun], flink: FlinkCluster
    ) -> None:
        run = start("killed_submit")
        submit, wait = run.task("submit-job"), run.task("wait-for-job")
        wait.await_wait()
        (first,) = flink.await_states(run.run_id, "RUNNING")
        # The new job goes on from one of its checkpoints.
        flink.await_progress(first)
        wait.mark("failed")
        flink.await_states(run.run_id, "CANCELED")

        submit.clear(downstream=True)

        wait.await_wait(try_number=2)
        assert flink.await_states(run.run_id, "CANCELED", "RUNNING")[0] == first
        answer = submit.answer()
        assert answer.outcome == "STARTED"
        assert answer.require_job().restored_from is not None

    def test_submit_cleared_with_its_wait_leaves_one_job_that_is_waited_for(
        self, start: Callable[..., DagRun], flink: FlinkCluster
    ) -> None:
        run = start("killed_submit")
        submit, wait = run.task("submit-job"), run.task("wait-for-job")
        wait.await_wait()
        (first,) = flink.await_states(run.run_id, "RUNNING")
        flink.await_progress(first)

        submit.clear(downstream=True)

        wait.await_wait(try_number=2)
        (living,) = flink.living(run.run_id)
        assert living == submit.answer().require_job().flink_job_id
        flink.await_progress(living)
        # Either the stop was first, or the new submission.
        states = flink.states(run.run_id)
        assert states == ({first: "RUNNING"} if living == first else {first: "CANCELED", living: "RUNNING"})

    def test_submit_other_task_cleared_in_between_repeats_the_same_request(
        self, start: Callable[..., DagRun], flink: FlinkCluster
    ) -> None:
        run = start("killed_submit", first_try="fails")
        submit, wait, other = (run.task(task_id) for task_id in ("submit-job", "wait-for-job", "other"))
        other.await_state("success")
        submit.await_state("up_for_retry")
        (jid,) = flink.await_states(run.run_id, "RUNNING")

        other.clear()
        assert submit.state() == "up_for_retry"

        wait.await_wait()
        other.await_state("success", try_number=2)
        answer = submit.answer()
        job = answer.require_job()
        assert (answer.outcome, job.flink_job_id, submit.try_number()) == ("ADOPTED", jid, 2)
        assert job.owner is not None
        assert job.owner.request_id == f"laptop/{run.dag_id}/{run.run_id}/submit-job/-1/2"
        assert job.owner.try_number == 2
        # Nor does it disturb the wait.
        other.clear()
        other.await_state("success", try_number=3)
        flink.await_progress(jid)
        flink.await_states(run.run_id, "RUNNING")
        assert (wait.state(), wait.try_number()) == ("deferred", 1)


class TestRun:
    def test_run_cleared_cancels_its_job_before_it_makes_another(
        self, start: Callable[..., DagRun], flink: FlinkCluster
    ) -> None:
        run = start("killed_run")
        task = run.task("run-job")
        task.await_wait()
        flink.await_states(run.run_id, "RUNNING")

        task.clear()

        flink.await_states(run.run_id, "CANCELED", "RUNNING")
        task.await_wait(try_number=2)
        task.mark("failed")
        flink.await_states(run.run_id, "CANCELED", "CANCELED")
