package io.sluiceway.health;

import io.sluiceway.health.Reason.Code;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.Known;
import io.sluiceway.job.Observation.NotObservable;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Judges one job at one moment; used once. */
final class Judge {
    private static final int PERCENT = 100;

    private final JobStatus status;
    private final HealthPolicy policy;
    private final boolean running;
    private final List<Reason> reasons = new ArrayList<>();

    Judge(JobStatus status, HealthPolicy policy) {
        this.status = status;
        this.policy = policy;
        this.running = status.overview().state() == JobState.RUNNING;
    }

    Health health() {
        judgeState();
        return switch (status.vitals()) {
            case Known<Vitals>(Vitals vitals, Instant _) -> health(vitals);
            case NothingYet<Vitals>() -> {
                add(Code.NOT_MEASURED_YET, "Nothing has been measured of it yet.");
                yield health(reasons, null);
            }
            case NotObservable<Vitals>(String why) -> {
                add(Code.NOT_OBSERVABLE, why);
                yield health(reasons, null);
            }
        };
    }

    private Health health(Vitals vitals) {
        judgeFailures(vitals);
        Instant since = runningSince(vitals);
        if (!starting()) {
            judgeCheckpoints(vitals, since);
        }
        if (running) {
            judgeBackpressure(vitals.flow().backpressure());
            judgeWatermark(vitals, since);
        }
        return health(reasons, since);
    }

    private static Health health(List<Reason> reasons, @Nullable Instant runningSince) {
        Health.State worst = reasons.stream()
                .map(reason -> reason.code().state())
                .max(Health.State::compareTo)
                .orElse(Health.State.STABLE);
        return new Health(worst, reasons, runningSince);
    }

    /** Flink's adaptive scheduler has forgotten its checkpoints while it starts a job again. */
    private boolean starting() {
        return switch (status.overview().state()) {
            case INITIALIZING, CREATED -> true;
            case RUNNING, FAILING, FAILED, CANCELLING, CANCELED, FINISHED, RESTARTING, SUSPENDED, RECONCILING -> false;
        };
    }

    private void judgeState() {
        switch (status.overview().state()) {
            case INITIALIZING, CREATED ->
                add(
                        Code.STARTING,
                        "It is %s and doesn't run yet."
                                .formatted(status.overview().state()));
            case FAILING, RESTARTING ->
                add(
                        Code.RESTARTING,
                        "It is %s: it failed and waits to be started again."
                                .formatted(status.overview().state()));
            case RUNNING, FAILED, CANCELLING, CANCELED, FINISHED, SUSPENDED, RECONCILING -> {}
        }
    }

    private void judgeFailures(Vitals vitals) {
        switch (vitals.failures()) {
            case Known<List<Instant>>(List<Instant> failures, Instant _) -> {
                long count = within(policy.restartWindow(), failures, vitals.at());
                boolean settled = running && within(policy.settlingTime(), failures, vitals.at()) == 0;
                if (count >= policy.restarts() && !settled) {
                    add(
                            Code.RESTART_LOOP,
                            "It failed %d times within %s; %d times are a restart loop."
                                    .formatted(count, text(policy.restartWindow()), policy.restarts()));
                }
            }
            case NothingYet<List<Instant>>() -> {}
            case NotObservable<List<Instant>>(String why) -> add(Code.NOT_OBSERVABLE, why);
        }
    }

    private static long within(Duration window, List<Instant> times, Instant until) {
        return times.stream().filter(at -> at.isAfter(until.minus(window))).count();
    }

    /** Since when it runs, as far as that is known; judges whether that is long enough. */
    private @Nullable Instant runningSince(Vitals vitals) {
        if (!running) {
            return null;
        }
        return switch (vitals.runningSince()) {
            case Known<Instant>(Instant known, Instant _) -> {
                Instant since = latest(known, vitals.failures());
                Duration runs = Duration.between(since, vitals.at());
                if (runs.compareTo(policy.settlingTime()) < 0) {
                    add(
                            Code.JUST_STARTED,
                            "It has been running for %s since it was started last; it is settled after %s."
                                    .formatted(text(runs), text(policy.settlingTime())));
                }
                yield since;
            }
            case NothingYet<Instant>() -> {
                add(Code.JUST_STARTED, "It has just begun to run.");
                yield null;
            }
            case NotObservable<Instant>(String why) -> {
                add(Code.NOT_OBSERVABLE, why);
                yield null;
            }
        };
    }

    /** A failure ends a run, also where the cluster shows it before the state that follows from it. */
    private static Instant latest(Instant since, Observation<List<Instant>> failures) {
        return failures.told().stream()
                .flatMap(List::stream)
                .filter(since::isBefore)
                .max(Instant::compareTo)
                .orElse(since);
    }

    private void judgeCheckpoints(Vitals vitals, @Nullable Instant runningSince) {
        switch (vitals.checkpointing()) {
            case Checkpointing.Off() ->
                add(Code.NO_CHECKPOINTING, "It takes no checkpoints, so nothing shows that it gets on.");
            case Checkpointing.Unseen(String why) -> add(Code.NOT_OBSERVABLE, why);
            case Checkpointing.Counted counted -> judgeCounted(counted, vitals.at());
            case Checkpointing.Seen seen -> {
                judgeFailed(seen);
                switch (status.checkpoints().last()) {
                    case Known<CompletedCheckpoint>(CompletedCheckpoint last, Instant _) ->
                        judgeLast(seen, last.completedAt(), vitals.at(), runningSince);
                    case NothingYet<CompletedCheckpoint>() -> judgeLast(seen, null, vitals.at(), runningSince);
                    case NotObservable<CompletedCheckpoint>(String why) -> add(Code.NOT_OBSERVABLE, why);
                }
            }
        }
    }

    private void judgeFailed(Checkpointing.Seen seen) {
        if (seen.failedInARow() >= policy.failedCheckpoints()) {
            add(
                    Code.CHECKPOINTS_FAILING,
                    "%d checkpoints in a row failed%s"
                            .formatted(
                                    seen.failedInARow(),
                                    seen.lastFailure() == null ? "." : ", the last with: " + seen.lastFailure()));
        }
    }

    private void judgeLast(
            Checkpointing.Seen seen, @Nullable Instant completed, Instant at, @Nullable Instant runningSince) {
        Instant since = completed == null ? runningSince : completed;
        Duration age = since == null ? Duration.ZERO : Duration.between(since, at);
        Duration most = policy.checkpointAgeAt(seen.interval());
        if (age.compareTo(most) > 0) {
            add(
                    Code.CHECKPOINT_TOO_OLD,
                    (completed == null
                                            ? "It has run for %s without completing a checkpoint; %s"
                                            : "Its newest checkpoint is %s old; %s")
                                    .formatted(text(age), text(most))
                            + " are allowed at an interval of %s.".formatted(text(seen.interval())));
        }
        if (running && (completed == null || runningSince == null || !completed.isAfter(runningSince))) {
            add(Code.NO_CHECKPOINT_YET, "It has completed no checkpoint since it was started last.");
        }
    }

    private void judgeCounted(Checkpointing.Counted counted, Instant at) {
        long lately = within(policy.restartWindow(), counted.failures(), at);
        if (lately >= policy.failedCheckpoints()) {
            add(
                    Code.CHECKPOINTS_FAILING,
                    "%d checkpoints failed within %s.".formatted(lately, text(policy.restartWindow())));
        }
        long settling = within(policy.settlingTime(), counted.failures(), at);
        if (settling > 0) {
            add(
                    Code.CHECKPOINT_FAILED,
                    "%d checkpoints failed within the settling time of %s."
                            .formatted(settling, text(policy.settlingTime())));
        } else if (counted.since().isAfter(at.minus(policy.settlingTime()))) {
            add(
                    Code.NOT_MEASURED_YET,
                    "Failed checkpoints have been counted for %s; the settling time is %s."
                            .formatted(text(Duration.between(counted.since(), at)), text(policy.settlingTime())));
        }
    }

    private void judgeBackpressure(Observation<Double> backpressure) {
        if (policy.backpressurePercent() == null) {
            return;
        }
        switch (backpressure) {
            case Known<Double>(Double share, Instant _) -> {
                if (share * PERCENT >= policy.backpressurePercent()) {
                    add(
                            Code.BACKPRESSURED,
                            "A task spent %.0f %% of the last minute waiting for the next; %d %% are backpressure."
                                    .formatted(share * PERCENT, policy.backpressurePercent()));
                }
            }
            case NothingYet<Double>() -> add(Code.NOT_MEASURED_YET, "Its backpressure hasn't been measured yet.");
            case NotObservable<Double>(String why) -> add(Code.NOT_OBSERVABLE, why);
        }
    }

    private void judgeWatermark(Vitals vitals, @Nullable Instant runningSince) {
        if (policy.watermarkLag() == null) {
            return;
        }
        Duration most = policy.watermarkLag();
        switch (vitals.flow().watermark()) {
            case Known<Instant>(Instant watermark, Instant _) -> {
                Duration lag = Duration.between(watermark, vitals.at());
                if (lag.compareTo(most) > 0) {
                    add(
                            Code.WATERMARK_LAGS,
                            "Its watermark is %s behind; %s are allowed.".formatted(text(lag), text(most)));
                }
            }
            case NothingYet<Instant>() -> {
                if (runningSince != null && runningSince.isBefore(vitals.at().minus(most))) {
                    add(
                            Code.WATERMARK_LAGS,
                            "It has no watermark, though it has been running for %s; %s behind are allowed."
                                    .formatted(text(Duration.between(runningSince, vitals.at())), text(most)));
                } else {
                    add(Code.NOT_MEASURED_YET, "It has no watermark yet.");
                }
            }
            case NotObservable<Instant>(String why) -> add(Code.NOT_OBSERVABLE, why);
        }
    }

    /** In whole seconds, such as {@code 1 h 2 min 3 s}; what is shorter, in milliseconds. */
    private static String text(Duration duration) {
        StringBuilder text = new StringBuilder();
        append(text, duration.toDays(), " d");
        append(text, duration.toHoursPart(), " h");
        append(text, duration.toMinutesPart(), " min");
        append(text, duration.toSecondsPart(), " s");
        return text.isEmpty() ? Math.max(0, duration.toMillis()) + " ms" : text.toString();
    }

    private static void append(StringBuilder text, long number, String unit) {
        if (number > 0) {
            text.append(text.isEmpty() ? "" : " ").append(number).append(unit);
        }
    }

    private void add(Code code, String message) {
        Reason reason = new Reason(code, message);
        // What can't be observed for one cause can't be for several purposes.
        if (!reasons.contains(reason)) {
            reasons.add(reason);
        }
    }
}
