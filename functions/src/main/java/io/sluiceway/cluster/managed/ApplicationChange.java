package io.sluiceway.cluster.managed;

import io.sluiceway.cluster.InPlaceChange;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobRef;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.util.Optional;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationOperationInfo;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.DescribeApplicationVersionResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.OperationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ParallelismConfigurationDescription;

/**
 * Changes of a running application, which restart its job with its state and leave its mark as it is: the attempt goes
 * on.
 *
 * <p>An update of the parallelism takes a snapshot and restarts the job from it. A roll-back restarts it as it was
 * configured before, from the newest snapshot. What became of one is read from the application's configuration, which
 * shows an update at once, and from its operations, which have the reason of a failure.
 *
 * @param cluster asks for applications
 * @param api the service
 * @param job whose application it is
 * @param deadline by when the service has answered
 */
record ApplicationChange(ManagedCluster cluster, ControlApi api, JobRef job, Deadline deadline) {
    InPlaceChange rescale(int parallelism) {
        ApplicationDetail application = cluster.require(job, deadline);
        if (ManagedCluster.isOver(application.applicationStatus())) {
            throw new RefusedException(
                    ErrorCode.JOB_NOT_RUNNING,
                    "Application '%s' is %s."
                            .formatted(application.applicationName(), application.applicationStatusAsString()));
        }
        if (isConfigured(application, parallelism)) {
            return application.applicationStatus() == ApplicationStatus.RUNNING
                    ? completed(application)
                    : new InPlaceChange.InProgress();
        }
        if (application.applicationStatus() != ApplicationStatus.RUNNING) {
            throw passing(application, "it can be rescaled when it is RUNNING");
        }
        Optional<String> hindrance = hindrance(application);
        if (hindrance.isPresent()) {
            return new InPlaceChange.NotPossible(hindrance.get());
        }
        Change change = api.change(
                deadline, client -> client.updateApplication(Configuration.rescale(application, parallelism)));
        return switch (change) {
            case Change.Done() -> new InPlaceChange.InProgress();
            case Change.Conflict(String reason) -> {
                ApplicationDetail now = cluster.require(job, deadline);
                if (!isConfigured(now, parallelism)) {
                    throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, reason);
                }
                yield new InPlaceChange.InProgress();
            }
            case Change.NotThere() -> throw cluster.unknownJob(job.id());
            case Change.Refused(String error, String reason) ->
                throw error.equals("LimitExceededException")
                        ? tooManyKpus(application, parallelism, reason)
                        : cluster.refused(error, reason);
            case Change.Lost(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, reason);
        };
    }

    /** It would be restored from an older snapshot, and what came behind that would be lost or done again. */
    static Optional<String> hindrance(ApplicationDetail application) {
        return Configuration.savesBeforeRestarts(application)
                ? Optional.empty()
                : Optional.of("Snapshots of application '%s' are switched off, so an update would not keep its state."
                        .formatted(application.applicationName()));
    }

    Optional<InPlaceChange> findRescale(int parallelism, Instant intendedAt) {
        return cluster.marked(job, deadline).flatMap(application -> rescaleOf(application, parallelism, intendedAt));
    }

    private Optional<InPlaceChange> rescaleOf(ApplicationDetail application, int parallelism, Instant intendedAt) {
        boolean configured = isConfigured(application, parallelism);
        boolean over = ManagedCluster.isOver(application.applicationStatus());
        if (!over && application.applicationStatus() != ApplicationStatus.RUNNING) {
            return configured ? Optional.of(new InPlaceChange.InProgress()) : Optional.empty();
        }
        AttemptLife life = life(application);
        Optional<ApplicationOperationInfo> change = changeSince(life, intendedAt);
        if (change.isPresent() && AttemptLife.isRollBack(change.get())) {
            return Optional.of(failed(life, change.get(), "The application was rolled back.", false));
        }
        OperationStatus status =
                change.map(ApplicationOperationInfo::operationStatus).orElse(OperationStatus.SUCCESSFUL);
        return switch (status) {
            case FAILED, CANCELLED ->
                Optional.of(failed(life, change.orElseThrow(), "The service says that the update failed.", true));
            case IN_PROGRESS, UNKNOWN_TO_SDK_VERSION ->
                configured ? Optional.of(new InPlaceChange.InProgress()) : Optional.empty();
            case SUCCESSFUL -> {
                if (over) {
                    yield life.end() instanceof AttemptLife.End.NeverStarted
                            ? Optional.empty()
                            : Optional.of(ended(application));
                }
                yield configured ? Optional.of(completed(application)) : Optional.empty();
            }
        };
    }

    InPlaceChange rollBack() {
        ApplicationDetail application = cluster.require(job, deadline);
        if (application.applicationStatus() == ApplicationStatus.ROLLING_BACK) {
            return new InPlaceChange.InProgress();
        }
        if (ManagedCluster.isOver(application.applicationStatus())) {
            return new InPlaceChange.NotPossible("Application '%s' is %s; what doesn't run can't be rolled back."
                    .formatted(application.applicationName(), application.applicationStatusAsString()));
        }
        boolean running = application.applicationStatus() == ApplicationStatus.RUNNING;
        // Scaling by the service may make no version: a roll-back could then bring an earlier attempt back.
        if (!running && application.applicationStatus() != ApplicationStatus.UPDATING) {
            throw passing(application, "it can be rolled back when it is UPDATING or RUNNING");
        }
        AttemptLife life = life(application);
        Optional<ApplicationOperationInfo> change = life.newestChange();
        if (change.isEmpty()) {
            if (!running) {
                throw passing(application, "the service doesn't tell of its update yet");
            }
            // The version before is that of an earlier attempt.
            return new InPlaceChange.NotPossible(
                    "Nothing was changed since the start of job '%s' that could be taken back.".formatted(job.name()));
        }
        if (AttemptLife.isRollBack(change.get())) {
            return rollBackOf(application, life, change.get());
        }
        if (!goesBackToItself(application)) {
            return new InPlaceChange.NotPossible(
                    "The version of application '%s' before its update isn't of this attempt."
                            .formatted(application.applicationName()));
        }
        if (life.newestSnapshotSince(change.get().startTime()).isEmpty()) {
            return new InPlaceChange.NotPossible(
                    "Application '%s' has no snapshot since its update began; a roll-back would go back to an older one."
                            .formatted(application.applicationName()));
        }
        Change done = api.change(
                deadline,
                client -> client.rollbackApplication(request -> request.applicationName(application.applicationName())
                        .currentApplicationVersionId(application.applicationVersionId())));
        return switch (done) {
            case Change.Done() -> new InPlaceChange.InProgress();
            case Change.Conflict(String reason) -> {
                ApplicationStatus now = cluster.require(job, deadline).applicationStatus();
                if (now != ApplicationStatus.ROLLING_BACK) {
                    throw new RefusedException(ErrorCode.CLUSTER_UNREACHABLE, reason);
                }
                yield new InPlaceChange.InProgress();
            }
            case Change.NotThere() -> throw cluster.unknownJob(job.id());
            case Change.Refused(String error, String reason) -> throw cluster.refused(error, reason);
            case Change.Lost(String reason) -> throw new RefusedException(ErrorCode.CLUSTER_TIMEOUT, reason);
        };
    }

    /** The service goes back to the version that the current one was updated from. */
    private boolean goesBackToItself(ApplicationDetail application) {
        return Optional.ofNullable(application.applicationVersionUpdatedFrom())
                .flatMap(before -> api.ask(
                        deadline,
                        client -> client.describeApplicationVersion(
                                request -> request.applicationName(application.applicationName())
                                        .applicationVersionId(before))))
                .map(DescribeApplicationVersionResponse::applicationVersionDetail)
                .filter(version -> AttemptMark.isOn(version, job.id()))
                .isPresent();
    }

    Optional<InPlaceChange> findRollBack(Instant intendedAt) {
        return cluster.marked(job, deadline).flatMap(application -> {
            if (application.applicationStatus() == ApplicationStatus.ROLLING_BACK) {
                return Optional.of(new InPlaceChange.InProgress());
            }
            AttemptLife life = life(application);
            return changeSince(life, intendedAt)
                    .filter(AttemptLife::isRollBack)
                    .map(change -> rollBackOf(application, life, change));
        });
    }

    private InPlaceChange rollBackOf(
            ApplicationDetail application, AttemptLife life, ApplicationOperationInfo rollBack) {
        return switch (rollBack.operationStatus()) {
            case IN_PROGRESS, UNKNOWN_TO_SDK_VERSION -> new InPlaceChange.InProgress();
            case FAILED, CANCELLED -> failed(life, rollBack, "The service says that the roll-back failed.", true);
            case SUCCESSFUL ->
                ManagedCluster.isOver(application.applicationStatus()) ? ended(application) : completed(application);
        };
    }

    private static Optional<ApplicationOperationInfo> changeSince(AttemptLife life, Instant intendedAt) {
        Instant since = AttemptLife.wholeSecond(intendedAt);
        return life.newestChange().filter(change -> !change.startTime().isBefore(since));
    }

    private InPlaceChange failed(
            AttemptLife life, ApplicationOperationInfo change, String otherwise, boolean withItsReason) {
        String application = life.application().applicationName();
        String reason = withItsReason
                ? cluster.reason(life.application(), change.operationId(), deadline)
                        .orElse(otherwise)
                : otherwise;
        // The one that a roll-back goes back to, too, was taken by the update.
        Instant since =
                life.newestUpdate().map(ApplicationOperationInfo::startTime).orElse(change.startTime());
        StoragePath savepoint = life.newestSnapshotSince(since)
                .map(snapshot -> ManagedCluster.snapshot(application, snapshot.snapshotName()))
                .orElse(null);
        return new InPlaceChange.Failed(reason, savepoint);
    }

    private static InPlaceChange ended(ApplicationDetail application) {
        return new InPlaceChange.Failed(
                "Application '%s' doesn't run any more.".formatted(application.applicationName()), null);
    }

    /** With what the service says: scaling by itself changes what runs, and not what was asked for. */
    private InPlaceChange completed(ApplicationDetail application) {
        return Configuration.parallelism(application)
                .map(told -> told.currentParallelism() == null ? told.parallelism() : told.currentParallelism())
                .<InPlaceChange>map(InPlaceChange.Completed::new)
                .orElseThrow(() -> new RefusedException(
                        ErrorCode.CLUSTER_ANSWER_INVALID,
                        "Cluster '%s' describes an application without its parallelism.".formatted(cluster.name())));
    }

    private static boolean isConfigured(ApplicationDetail application, int parallelism) {
        return Configuration.parallelism(application)
                .map(ParallelismConfigurationDescription::parallelism)
                .filter(told -> told == parallelism)
                .isPresent();
    }

    private AttemptLife life(ApplicationDetail application) {
        return new AttemptLife(api, application, job.id(), deadline);
    }

    private static RefusedException passing(ApplicationDetail application, String when) {
        return new RefusedException(
                ErrorCode.CLUSTER_UNREACHABLE,
                "Application '%s' is %s; %s."
                        .formatted(application.applicationName(), application.applicationStatusAsString(), when));
    }

    /** Its account's quota of KPUs isn't told by the control API. */
    private RefusedException tooManyKpus(ApplicationDetail application, int parallelism, String reason) {
        int perKpu = Configuration.parallelism(application)
                .map(ParallelismConfigurationDescription::parallelismPerKPU)
                .orElse(1);
        return new RefusedException(
                ErrorCode.PARALLELISM_EXCEEDS_SLOTS,
                "A parallelism of %d takes application '%s' %d KPUs, %d subtasks in each, which the service refuses: %s"
                        .formatted(
                                parallelism,
                                application.applicationName(),
                                Math.ceilDiv(parallelism, perKpu),
                                perKpu,
                                reason));
    }
}
