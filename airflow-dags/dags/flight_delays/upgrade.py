"""How an upgrade ended, by the answers of the functions, in numbers and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from sluiceway_airflow.answers import UpgradeEnding

if TYPE_CHECKING:
    from sluiceway_airflow.answers import Job, Operation, Upgrade

Runs = Literal["the new version", "the old version", "another version", "nothing"]


class Report(TypedDict):
    """What came of an upgrade.

    :param ending: ``UPGRADED``, ``ROLLED_BACK`` or ``FAILED``
    :param why: why it wasn't ``UPGRADED``
    :param seconds: how long it took, the time included in which the version had to prove itself
    :param seconds_down: for how long of it no version ran; None when nobody can tell
    :param savepoint: the state that the old version left
    :param emitted_again: the time in which the new version was at work whose output comes again, as ``from/until``
    :param runs: which version runs now, or has run last
    :param flink_job_id: as which Flink job
    :param jar: from which jar
    """

    ending: str
    why: str | None
    seconds: float
    seconds_down: float | None
    savepoint: str | None
    emitted_again: str | None
    old_flink_job_id: str
    runs: Runs
    flink_job_id: str
    jar: str | None


def report(operation: Operation, upgrade: Upgrade, before: Job, now: Job) -> Report:
    """Put together what is known of an upgrade that has ended.

    :param before: the execution that was to be upgraded, as it is seen now
    :param now: the execution that the job has now
    """
    if operation.ended_at is None or upgrade.ending is None:
        raise ValueError(f"The upgrade {operation.operation_id} hasn't ended.")
    again = upgrade.emitted_again
    return Report(
        ending=upgrade.ending.value,
        why=operation.failure,
        seconds=round((operation.ended_at - operation.created_at).total_seconds(), 1),
        seconds_down=_seconds_down(before, now),
        savepoint=operation.savepoint_path,
        emitted_again=None if again is None else f"{again.from_.isoformat()}/{again.until.isoformat()}",
        old_flink_job_id=before.flink_job_id,
        runs=_runs(operation, upgrade, now),
        flink_job_id=now.flink_job_id,
        jar=None if now.version is None else now.version.jar,
    )


def in_words(told: Report) -> list[str]:
    """Give the report in sentences."""
    down = told["seconds_down"]
    meanwhile = "nobody can tell for how long no version ran" if down is None else f"no version ran for {down:.1f} s"
    lines = [f"The upgrade ended as {told['ending']} after {told['seconds']:.1f} s; {meanwhile}."]
    if told["why"] is not None:
        lines.append(f"Why: {told['why']}")
    lines.append(f"The old version, {told['old_flink_job_id']}, left {told['savepoint'] or 'no savepoint'}.")
    if told["emitted_again"] is not None:
        lines.append(f"What the new version has written comes again; it was at work in {told['emitted_again']}.")
    running = "Nothing runs; the last was" if told["runs"] == "nothing" else f"What runs now is {told['runs']},"
    lines.append(f"{running} {told['flink_job_id']} from {told['jar'] or 'a jar that nobody recorded'}.")
    return lines


def _seconds_down(before: Job, now: Job) -> float | None:
    if now.flink_job_id == before.flink_job_id:
        return None if now.terminal else 0.0
    since = None if now.health is None else now.health.running_since
    if before.ended_at is None or since is None:
        return None
    return round((since - before.ended_at).total_seconds(), 1)


def _runs(operation: Operation, upgrade: Upgrade, now: Job) -> Runs:
    # Asked for what runs already, an upgrade does nothing, and the old version is the new one.
    new = upgrade.new_flink_job_id or (operation.flink_job_id if upgrade.ending is UpgradeEnding.UPGRADED else None)
    if now.terminal:
        return "nothing"
    if now.flink_job_id == new:
        return "the new version"
    if now.flink_job_id in (operation.flink_job_id, upgrade.returned_flink_job_id):
        return "the old version"
    return "another version"
