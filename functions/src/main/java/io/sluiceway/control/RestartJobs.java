package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.HistoryEntry.Event;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.Page;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Starts STREAMs again that have failed for good, as {@code policies.restart} asks for it.
 *
 * <p>Nothing is remembered beside the attempts and their requests: which restart in a row is next, and when, follows
 * from the attempt that failed and from what came of the restarts that name it. One that was refused, or given up
 * half-way, counts like one that failed.
 */
final class RestartJobs {
    private static final int LINES_A_PAGE = 100;

    private final JobLedger ledger;
    private final SubmitJob submitJob;
    private final FlinkCluster cluster;
    private final Deadline deadline;

    RestartJobs(Ports ports, Jars jars, FlinkCluster cluster, Deadline deadline) {
        this.ledger = ports.ledger();
        this.submitJob = new SubmitJob(ports, jars);
        this.cluster = cluster;
        this.deadline = deadline;
    }

    /** Whether there is something to do about a STREAM's newest attempt, now or later. */
    static boolean concerns(Attempt newest) {
        return isToRestart(newest)
                || (newest.state().living()
                        && newest.submittedAt() == null
                        && Restart.of(newest.request()).isPresent());
    }

    /** Whether an attempt has failed whose policy asks for another in its place, and nobody has stopped it. */
    static boolean isToRestart(Attempt attempt) {
        return attempt.spec().policies().restart() != null
                && attempt.stop() == null
                && switch (attempt.state()) {
                    case FAILED -> true;
                    case UNKNOWN -> attempt.spec().onUnknown() == OnUnknown.RERUN;
                    case PREPARING, POSTING, SUBMITTED, FINISHED, CANCELED, REFUSED -> false;
                };
    }

    /**
     * Starts the job again if that is due, or goes on with a restart that was begun. Writes nothing while it isn't.
     *
     * @param newest the job's newest attempt, one that {@linkplain #concerns there is something to do about}
     * @throws RefusedException RESTARTS_EXHAUSTED each time when there have been as many as the policy allows; what
     *     {@link SubmitJob#restart} throws
     */
    void restart(Attempt newest) {
        if (isToRestart(newest)) {
            startAgain(newest, Objects.requireNonNull(newest.spec().policies().restart()));
        } else {
            Restart begun = Restart.of(newest.request()).orElseThrow();
            submitJob.restart(begun, require(begun.failed()), deadline);
        }
    }

    private void startAgain(Attempt failed, RestartPolicy policy) {
        Instant end = end(failed);
        Restart next = new Restart(numberBehind(failed, end, policy), failed.id());
        Refusal refusal = null;
        while (next.number() <= policy.limit()) {
            Optional<Attempt> made = madeBy(next, failed.spec().name());
            if (made.isEmpty()) {
                if (!deadline.clock().instant().isBefore(end.plus(policy.delay(next.number())))) {
                    submitJob.restart(next, failed, deadline);
                }
                return;
            }
            switch (made.get().state()) {
                case REFUSED -> {
                    end = end(made.get());
                    refusal = made.get().failure();
                    next = next.next();
                }
                // It was stopped before it began, or it is the newest now, and the next sweep looks at it.
                case PREPARING, POSTING, SUBMITTED, UNKNOWN, FINISHED, FAILED, CANCELED -> {
                    return;
                }
            }
        }
        throw exhausted(failed, policy, refusal);
    }

    /** Which restart in a row is the first to come behind an attempt. */
    private static int numberBehind(Attempt failed, Instant end, RestartPolicy policy) {
        Instant runningAt = failed.runningAt();
        boolean ranLong = runningAt != null && Duration.between(runningAt, end).compareTo(policy.resetAfter()) >= 0;
        return ranLong
                ? 1
                : Restart.of(failed.request())
                        .map(before -> before.number() + 1)
                        .orElse(1);
    }

    private Optional<Attempt> madeBy(Restart restart, JobName job) {
        return ledger.findRequest(new RequestKey(cluster.name(), job, SubmitJob.VERB, restart.request()), deadline)
                .map(Versioned::value)
                .map(RequestRecord::attempt)
                .map(this::require);
    }

    private Attempt require(FlinkJobId id) {
        return ledger.findAttempt(cluster.name(), id, deadline)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.LEDGER_INVALID,
                        "The ledger has lost attempt %s, which another record names.".formatted(id)))
                .value();
    }

    /** When an attempt failed or was refused, or when the cluster was first seen not to know it any more. */
    private Instant end(Attempt attempt) {
        Instant end = attempt.endedAt() == null ? lostAt(attempt) : attempt.endedAt();
        return end == null ? attempt.createdAt() : end;
    }

    private @Nullable Instant lostAt(Attempt attempt) {
        String after = null;
        do {
            Page<HistoryEntry> page =
                    ledger.history(cluster.name(), attempt.spec().name(), LINES_A_PAGE, after, deadline);
            for (HistoryEntry line : page.items()) {
                if (line.event() == Event.ATTEMPT_UNKNOWN && attempt.id().equals(line.attempt())) {
                    return line.at();
                }
            }
            after = page.next();
        } while (after != null);
        return null;
    }

    private static RefusedException exhausted(Attempt failed, RestartPolicy policy, @Nullable Refusal refusal) {
        String sentence = "Job '%s' has failed as %s and isn't started again: %d restarts in a row are the most."
                .formatted(failed.spec().name(), failed.id(), policy.limit());
        return new RefusedException(
                ErrorCode.RESTARTS_EXHAUSTED,
                refusal == null
                        ? sentence
                        : sentence + " The last was refused: %s: %s".formatted(refusal.code(), refusal.message()));
    }
}
