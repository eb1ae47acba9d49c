package io.sluiceway.control;

import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.control.Answer.Planned;
import io.sluiceway.control.Answer.RequestCancelled;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.Answer.Triggered;
import io.sluiceway.control.Plan.Action;
import io.sluiceway.control.Plan.Start;
import io.sluiceway.control.Plan.Takeover;
import io.sluiceway.error.RefusedException;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.Request;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Attempt.Refusal;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Rescale;
import io.sluiceway.operation.Upgrade;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tells from what a dry run came to what the call would do.
 *
 * @param before the ledger as it is
 * @param after the ledger as the call would have it
 * @param dry what the call was dry-run with
 * @param effects what it would ask of clusters, in order
 * @param request the call's
 */
record Plans(
        JobLedger before, DryRunLedger after, Ports dry, List<Effect> effects, Request request, Deadline deadline) {

    /** Of a call that answered. */
    Planned of(Answer answer) {
        return switch (answer) {
            case Submitted submitted -> ofSubmitted(submitted);
            case Triggered triggered -> ofTriggered(triggered);
            case RequestCancelled cancelled -> ofCancelled(cancelled);
            case Answer.JobObserved _,
                    Answer.OperationObserved _,
                    Answer.JobsListed _,
                    Answer.EventsListed _,
                    Answer.JobsMonitored _,
                    Planned _ -> throw new IllegalArgumentException("It is no call that changes something.");
        };
    }

    /** Of a call that came to an effect whose answer would decide what comes next. */
    Planned of(Effect effect) {
        return switch (effect) {
            case Effect.Run(JobLaunch launch) -> ofRun(launch);
            case Effect.Rescale(ClusterName cluster, FlinkJobId job, int parallelism) ->
                ofRescale(requireAttempt(cluster, job), parallelism);
            case Effect.RollBack(ClusterName cluster, FlinkJobId job) ->
                ofStepTaken(requireAttempt(cluster, job), "what was changed of job %s taken back".formatted(job));
            case Effect.Dispose _, Effect.AddJar _, Effect.Save _, Effect.Stop _, Effect.Cancel _ ->
                throw new IllegalStateException("No verb is planned up to " + effect + ".");
        };
    }

    private Planned ofSubmitted(Submitted submitted) {
        Attempt attempt = submitted.attempt();
        return switch (submitted.outcome()) {
            case REPLAYED ->
                ofExisting(
                        Action.REPLAY,
                        "Request %s came to job %s before, which is %s."
                                .formatted(request.id(), attempt.id(), attempt.state()),
                        submitted);
            case ADOPTED -> ofExisting(Action.ADOPT, whyAdopted(attempt), submitted);
            case IN_PROGRESS ->
                ofExisting(
                        Action.WAIT,
                        "Job %s is %s: another call is at it, or was interrupted a moment ago."
                                .formatted(attempt.id(), attempt.state()),
                        submitted);
            case STARTED, UNCHANGED -> throw hadAnEffect();
        };
    }

    private Planned ofExisting(Action action, String because, Submitted submitted) {
        return new Planned(
                plan(
                        action,
                        because + besides(effect -> false),
                        submitted.attempt().id()),
                submitted,
                isThere(submitted.operation()) ? submitted.operation() : null);
    }

    private String whyAdopted(Attempt attempt) {
        Request owner = before.findAttempt(attempt.spec().cluster(), attempt.id(), deadline)
                .map(known -> known.value().owner())
                .orElse(attempt.owner());
        return "Job %s is what is asked for, and lives on behalf of try %d of request %s."
                .formatted(attempt.id(), owner.tryNumber(), owner.id());
    }

    private Planned ofRun(JobLaunch launch) {
        Attempt attempt = after.findAttempt(launch.spec().cluster(), launch.id(), deadline)
                .orElseThrow(() -> new IllegalStateException("What is run has no record."))
                .value();
        if (attempt.request().value().startsWith(SubmitJob.OWN_REQUESTS)) {
            return ofStepTaken(attempt, "the start of job " + attempt.id());
        }
        Optional<Attempt> interrupted = before.findAttempt(launch.spec().cluster(), launch.id(), deadline)
                .map(Versioned::value);
        Start start = new Start(
                attempt.number(),
                launch.restoreFrom(),
                launch.jar(),
                brings(launch.jar()),
                launch.spec().parallelism());
        String because = interrupted
                .map(known ->
                        "Job %s is %s: the call that was at it was interrupted.".formatted(known.id(), known.state()))
                .orElseGet(() -> "%s; it starts %s.".formatted(whyNew(attempt), stateOf(attempt)));
        return new Planned(
                new Plan(
                        interrupted.isPresent() ? Action.RESUME : Action.NEW_ATTEMPT,
                        because + besides(Effect.Run.class::isInstance),
                        launch.id(),
                        start,
                        null,
                        null),
                null,
                null);
    }

    /** An operation that an earlier call asked for comes to a step. */
    private Planned ofStepTaken(Attempt attempt, String step) {
        Operation operation = operationAt(attempt);
        return new Planned(
                plan(
                        Action.REPLAY,
                        "%s; it goes on with %s.".formatted(askedBefore(operation), step),
                        operation.attempt()),
                null,
                operation);
    }

    /** The upgrade or rescaling that is at an attempt's job. */
    private Operation operationAt(Attempt attempt) {
        return after.findJob(attempt.spec().cluster(), attempt.spec().name(), deadline)
                .map(Versioned::value)
                .map(Job::upgrade)
                .flatMap(id -> after.findOperation(id, deadline))
                .map(Versioned::value)
                .orElseThrow(
                        () -> new IllegalStateException("What Sluiceway starts or changes itself has no operation."));
    }

    /** A job that lives on is asked for another parallelism: by this call, or by an operation of an earlier one. */
    private Planned ofRescale(Attempt attempt, int parallelism) {
        Operation operation = operationAt(attempt);
        if (isThere(operation)) {
            return ofStepTaken(attempt, "a parallelism of %d of job %s".formatted(parallelism, attempt.id()));
        }
        Rescale rescale = Objects.requireNonNull(operation.rescale());
        return new Planned(
                new Plan(
                        Action.RESCALE_IN_PLACE,
                        "Job %s runs with a parallelism of %d, and can be changed while it lives."
                                        .formatted(attempt.id(), rescale.from())
                                + besides(Effect.Rescale.class::isInstance),
                        attempt.id(),
                        null,
                        null,
                        null,
                        rescale.to()),
                null,
                null);
    }

    private String whyNew(Attempt attempt) {
        RequestKey key =
                new RequestKey(attempt.spec().cluster(), attempt.spec().name(), SubmitJob.VERB, attempt.request());
        RequestRecord earlier =
                before.findRequest(key, deadline).map(Versioned::value).orElse(null);
        if (earlier == null) {
            return switch (attempt.spec().kind()) {
                case STREAM -> "Request %s is new, and job '%s' doesn't live".formatted(request.id(), key.job());
                case RUN -> "Request %s is new".formatted(request.id());
            };
        }
        FlinkJobId id = earlier.attempt();
        AttemptState state = id == null
                ? null
                : after.findAttempt(key.cluster(), id, deadline)
                        .map(known -> known.value().state())
                        .orElse(null);
        if (earlier.refusal() != null) {
            return refused(earlier, earlier.refusal());
        }
        return state == null
                ? "What request %s came to before has gone from the ledger".formatted(request.id())
                : "Job %s, of try %d of request %s, is %s".formatted(id, earlier.tryNumber(), request.id(), state);
    }

    private String refused(RequestRecord earlier, Refusal refusal) {
        return "Try %d of request %s was refused with %s".formatted(earlier.tryNumber(), request.id(), refusal.code());
    }

    private static String stateOf(Attempt attempt) {
        boolean hasState = attempt.restoredFrom() != null;
        return switch (attempt.spec().restore()) {
            case RestorePoint.None() -> "without state, since none is asked for";
            case RestorePoint.Savepoint _ -> "from the state that is named";
            case RestorePoint.Latest _ ->
                hasState
                        ? "from the newest state that the job has left"
                        : "without state, since the job has left none yet";
        };
    }

    private Planned ofTriggered(Triggered triggered) {
        Operation operation = triggered.operation();
        if (isThere(operation)) {
            return ofExisting(triggered);
        }
        return switch (operation.type()) {
            case TAKE_SAVEPOINT ->
                new Planned(
                        new Plan(
                                Action.TAKE_SAVEPOINT,
                                "%s, and job %s lives.".formatted(whyNew(operation), operation.attempt())
                                        + besides(isOf(operation)),
                                operation.attempt(),
                                null,
                                operation.directory(),
                                null),
                        null,
                        null);
            case STOP_WITH_SAVEPOINT, DRAIN, CANCEL -> ofStop(triggered);
            case UPGRADE_JOB -> ofUpgrade(triggered, Objects.requireNonNull(operation.upgrade()));
            case RESCALE_JOB -> ofRescale(triggered, Objects.requireNonNull(operation.rescale()));
            case SUBMIT_JOB -> throw new IllegalStateException("It is no operation that is asked for by itself.");
        };
    }

    private Planned ofExisting(Triggered triggered) {
        Operation operation = triggered.operation();
        Plan plan = switch (triggered.outcome()) {
            case REPLAYED ->
                plan(Action.REPLAY, askedBefore(operation) + "." + besides(effect -> false), operation.attempt());
            case ADOPTED ->
                plan(
                        Action.ADOPT,
                        "Operation %s, of try %d of request %s, does that already and is %s."
                                        .formatted(
                                                operation.id(),
                                                operation.request().tryNumber(),
                                                operation.request().id(),
                                                operation.state())
                                + besides(effect -> false),
                        operation.attempt());
            case STARTED, UNCHANGED, IN_PROGRESS -> throw hadAnEffect();
        };
        return new Planned(plan, null, operation);
    }

    private String askedBefore(Operation operation) {
        return "Request %s asked for it before: operation %s is %s"
                .formatted(request.id(), operation.id(), operation.state());
    }

    private String whyNew(Operation operation) {
        RequestRecord earlier = after.requestFor(operation.id())
                .flatMap(key -> before.findRequest(key, deadline))
                .map(Versioned::value)
                .orElse(null);
        if (earlier == null) {
            return "Request %s is new".formatted(request.id());
        }
        return earlier.refusal() == null
                ? "Try %d of request %s came to nothing".formatted(earlier.tryNumber(), request.id())
                : refused(earlier, earlier.refusal());
    }

    private Planned ofStop(Triggered triggered) {
        Operation stop = triggered.operation();
        FlinkJobId job = stop.attempt();
        Attempt seen = after.findAttempt(stop.cluster(), job, deadline)
                .orElseThrow(() -> new IllegalStateException("What is stopped has no record."))
                .value();
        Plan plan;
        if (triggered.outcome() == Answer.Outcome.REPLAYED) {
            plan = plan(
                    Action.UNCHANGED,
                    "Job %s is %s already.".formatted(job, seen.state()) + besides(effect -> false),
                    job);
        } else if (stop.state().terminal()) {
            plan = plan(
                    Action.RECORD_STOP,
                    (seen.submittedAt() == null
                                    ? "Job %s hasn't been handed to the cluster, and won't be then.".formatted(job)
                                    : "Job %s is %s, and isn't started again then.".formatted(job, seen.state()))
                            + besides(effect -> false),
                    job);
        } else if (effects.stream().noneMatch(isOf(stop))) {
            plan = plan(
                    Action.RECORD_STOP,
                    (stop.state() == OperationState.IN_PROGRESS
                                    ? "Job %s is being cancelled already.".formatted(job)
                                    : "Job %s is %s and doesn't run on the cluster yet: whoever sees it run first stops it."
                                            .formatted(job, seen.state()))
                            + besides(effect -> false),
                    job);
        } else {
            plan = new Plan(
                    action(stop.type()),
                    "%s, and job %s lives.".formatted(whyNew(stop), job) + besides(isOf(stop)),
                    job,
                    null,
                    stop.directory(),
                    null);
        }
        return new Planned(plan, null, null);
    }

    private static Action action(OperationType stop) {
        return switch (stop) {
            case STOP_WITH_SAVEPOINT -> Action.STOP_WITH_SAVEPOINT;
            case DRAIN -> Action.DRAIN;
            case CANCEL -> Action.CANCEL;
            case TAKE_SAVEPOINT, SUBMIT_JOB, UPGRADE_JOB, RESCALE_JOB ->
                throw new IllegalArgumentException("It is no stop.");
        };
    }

    private Planned ofCancelled(RequestCancelled cancelled) {
        return new Planned(
                switch (cancelled.outcome()) {
                    case STARTED ->
                        new Plan(
                                Action.RECORD_STOP,
                                "The owner's request hasn't been heard of: it is refused when it comes.",
                                null,
                                null,
                                null,
                                null);
                    case REPLAYED ->
                        new Plan(
                                Action.REPLAY,
                                "The owner's request was cancelled before, and hasn't been heard of since.",
                                null,
                                null,
                                null,
                                null);
                    case ADOPTED, UNCHANGED, IN_PROGRESS -> throw hadAnEffect();
                },
                null,
                null);
    }

    private Planned ofUpgrade(Triggered triggered, Upgrade upgrade) {
        Operation operation = triggered.operation();
        FlinkJobId old = operation.attempt();
        if (triggered.outcome() == Answer.Outcome.UNCHANGED) {
            return new Planned(plan(Action.UNCHANGED, "Job %s is just this version.".formatted(old), old), null, null);
        }
        Operation stop = after.findOperation(upgrade.stop(), deadline)
                .orElseThrow(() -> new IllegalStateException("The upgrade has no stop."))
                .value();
        FlinkCluster cluster = dry.clusters().named(operation.cluster());
        Lineage lineage = new Lineage(dry, cluster, old, deadline);
        StoragePath from = upgrade.mode() == Upgrade.Mode.LAST_STATE
                ? lineage.retainedCheckpoint(requireAttempt(operation.cluster(), old))
                : null;
        StoragePath back = switch (upgrade.mode()) {
            case SAVEPOINT -> stop.directory();
            case LAST_STATE -> from;
            // Where no checkpoints can be found it is stopped with a savepoint, to come back to.
            case STATELESS -> stop.directory() == null ? whatIsLeft(lineage) : stop.directory();
        };
        String because = "Job %s runs another version: it is %s, %s."
                .formatted(
                        old,
                        stop.type() == OperationType.CANCEL ? "cancelled" : "stopped with a savepoint",
                        switch (upgrade.mode()) {
                            case SAVEPOINT -> "from which the new one starts";
                            case LAST_STATE -> "and the new one starts from its newest retained checkpoint";
                            case STATELESS -> "and the new one starts without state";
                        });
        JobSpec spec = upgrade.spec();
        JarDigest jar = Objects.requireNonNull(spec.jar().expectedDigest());
        return new Planned(
                new Plan(
                        Action.UPGRADE,
                        because + besides(isOf(stop)),
                        UpgradeJob.nextAttempt(operation),
                        new Start(1, from, jar, brings(jar), spec.parallelism()),
                        stop.directory(),
                        new Takeover(upgrade.mode(), old, back)),
                null,
                null);
    }

    private Planned ofRescale(Triggered triggered, Rescale rescale) {
        Operation operation = triggered.operation();
        FlinkJobId job = operation.attempt();
        if (triggered.outcome() == Answer.Outcome.UNCHANGED) {
            return new Planned(
                    plan(Action.UNCHANGED, "Job %s runs with a parallelism of %d.".formatted(job, rescale.to()), job),
                    null,
                    null);
        }
        Upgrade upgrade = Objects.requireNonNull(operation.upgrade());
        Operation stop = after.findOperation(upgrade.stop(), deadline)
                .orElseThrow(() -> new IllegalStateException("The rescaling has no stop."))
                .value();
        JarDigest jar = Objects.requireNonNull(upgrade.spec().jar().expectedDigest());
        return new Planned(
                new Plan(
                        Action.RESCALE_BY_RESTART,
                        "Job %s runs with a parallelism of %d, and can't be changed while it lives: it is stopped with a savepoint, from which it starts again."
                                        .formatted(job, rescale.from())
                                + besides(isOf(stop)),
                        UpgradeJob.nextAttempt(operation),
                        new Start(1, null, jar, brings(jar), rescale.to()),
                        stop.directory(),
                        new Takeover(upgrade.mode(), job, stop.directory()),
                        rescale.to()),
                null,
                null);
    }

    private Attempt requireAttempt(ClusterName cluster, FlinkJobId id) {
        return after.findAttempt(cluster, id, deadline)
                .orElseThrow(() -> new IllegalStateException("What runs has no record."))
                .value();
    }

    /** What a version that is cancelled leaves, as far as it can be told before. */
    private static @Nullable StoragePath whatIsLeft(Lineage lineage) {
        try {
            return lineage.restartPoint();
        } catch (RefusedException nothing) {
            return null;
        }
    }

    private boolean brings(JarDigest jar) {
        return effects.contains(new Effect.AddJar(jar));
    }

    private boolean isThere(Operation operation) {
        return before.findOperation(operation.id(), deadline).isPresent();
    }

    private static Plan plan(Action action, String because, FlinkJobId job) {
        return new Plan(action, because, job, null, null, null);
    }

    /** Whether an effect is what an operation is for. */
    private static Predicate<Effect> isOf(Operation operation) {
        return effect -> switch (effect) {
            case Effect.Save save -> save.trigger().equals(operation.trigger());
            case Effect.Stop stop -> stop.trigger().equals(operation.trigger());
            case Effect.Cancel(FlinkJobId job) ->
                operation.type() == OperationType.CANCEL && job.equals(operation.attempt());
            case Effect.AddJar _, Effect.Run _, Effect.Rescale _, Effect.RollBack _, Effect.Dispose _ -> false;
        };
    }

    /** What is overdue on the way, whoever asked for it: an operation, or the end of a job that was given up. */
    private String besides(Predicate<Effect> own) {
        String others = effects.stream()
                .filter(own.negate())
                .flatMap(effect -> Plans.overdue(effect).stream())
                .distinct()
                .collect(Collectors.joining(", "));
        return others.isEmpty() ? "" : " Besides, what is overdue is asked for: %s.".formatted(others);
    }

    private static Optional<String> overdue(Effect effect) {
        return switch (effect) {
            case Effect.Save save -> Optional.of("a savepoint of job " + save.job());
            case Effect.Stop stop -> Optional.of("the stop of job " + stop.job());
            case Effect.Cancel cancel -> Optional.of("the cancellation of job " + cancel.job());
            case Effect.AddJar _, Effect.Run _, Effect.Rescale _, Effect.RollBack _, Effect.Dispose _ ->
                Optional.empty();
        };
    }

    private static IllegalStateException hadAnEffect() {
        return new IllegalStateException("A dry run answered with what only an effect comes to.");
    }
}
