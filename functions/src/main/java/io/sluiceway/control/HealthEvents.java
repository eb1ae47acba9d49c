package io.sluiceway.control;

import io.sluiceway.event.EventData;
import io.sluiceway.event.EventData.JobRecovered;
import io.sluiceway.event.EventData.JobUnhealthy;
import io.sluiceway.event.EventDraft;
import io.sluiceway.health.Health;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Failure;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Tells that a living attempt of a STREAM is unhealthy, and that it has recovered: in turn, each once, and nothing
 * while nothing changes.
 *
 * <p>What was told last stands in the attempt's own record and is written together with the event, at the version that
 * was read before the cluster was asked. So of two who see the same one is refused, who died before it told nothing,
 * and another attempt begins with nothing told.
 *
 * <p>That a job is unhealthy is told when its thresholds say so. That it has recovered is told when it is stable, and
 * no sooner than its settling time after it was told to be unhealthy: what swings about a threshold isn't told each
 * time.
 */
final class HealthEvents {
    private final Outbox outbox;
    private final Deadline deadline;

    HealthEvents(Ports ports, Deadline deadline) {
        this.outbox = ports.outbox();
        this.deadline = deadline;
    }

    /**
     * Tells what differs from what was told last.
     *
     * @param known the attempt as it was before the cluster was asked
     * @param status what the cluster said of it, without the program's arguments
     * @return the attempt as it is now
     * @throws LedgerConflictException when somebody else has changed the attempt since: what was seen may be outdated
     */
    Versioned<Attempt> tell(Versioned<Attempt> known, JobStatus status) throws LedgerConflictException {
        Attempt attempt = known.value();
        if (attempt.spec().kind() != JobKind.STREAM || attempt.state() != AttemptState.SUBMITTED) {
            return known;
        }
        HealthPolicy policy = attempt.spec().policies().healthOrDefault();
        Optional<Health> health = Health.of(status, policy);
        Instant now = deadline.clock().instant();
        Instant since = attempt.unhealthySince();
        if (since == null) {
            return is(Health.State.UNHEALTHY, health)
                    ? tell(known, now, unhealthy(attempt, health.orElseThrow(), status.firstFailure()), now)
                    : known;
        }
        return is(Health.State.STABLE, health) && !now.isBefore(since.plus(policy.settlingTime()))
                ? tell(known, null, new JobRecovered(attempt.number(), since), now)
                : known;
    }

    private static boolean is(Health.State state, Optional<Health> health) {
        return health.filter(judged -> judged.state() == state).isPresent();
    }

    private static JobUnhealthy unhealthy(Attempt attempt, Health health, @Nullable Failure first) {
        return new JobUnhealthy(
                attempt.number(),
                health.reasons().stream()
                        .filter(reason -> reason.code().state() == Health.State.UNHEALTHY)
                        .toList(),
                first == null ? null : first.rootCause(),
                first == null ? null : first.at());
    }

    private Versioned<Attempt> tell(
            Versioned<Attempt> known, @Nullable Instant unhealthySince, EventData data, Instant now)
            throws LedgerConflictException {
        Attempt changed = known.value().change().unhealthy(unhealthySince).made();
        outbox.commit(
                List.of(new PutAttempt(changed, known.version())),
                List.of(new EventDraft(
                        changed.spec().cluster(),
                        changed.spec().name(),
                        changed.id(),
                        changed.owner().id(),
                        now,
                        data)),
                deadline);
        return new Versioned<>(changed, known.version() + 1);
    }
}
