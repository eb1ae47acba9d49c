package io.sluiceway.cluster.managed;

import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.time.Deadline;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationDetail;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ApplicationOperationInfo;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.DescribeApplicationVersionResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ListApplicationOperationsResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.ListApplicationSnapshotsResponse;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.OperationStatus;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotDetails;
import software.amazon.awssdk.services.kinesisanalyticsv2.model.SnapshotStatus;

/**
 * What became of an attempt, read from the application's operations: the service has no status for "failed" or
 * "finished", and an application that isn't running is READY whatever came before.
 *
 * @param api the service
 * @param application the application, marked with the attempt
 * @param attempt the attempt
 * @param deadline by when the service has answered
 */
record AttemptLife(ControlApi api, ApplicationDetail application, FlinkJobId attempt, Deadline deadline) {
    private static final int PAGE = 50;

    private static final int MOST_PAGES = 20;

    private static final Comparator<ApplicationOperationInfo> BY_START =
            Comparator.comparing(ApplicationOperationInfo::startTime);

    /**
     * How the service begins the names of the snapshots that it takes when it restarts a job. Times alone don't tell
     * them from a stop's within a second.
     */
    private static final List<String> OF_RESTARTS = List.of("UPDATEAPPLICATION-", "AUTOSCALING-", "MAINTENANCE-");

    /** How it ended, or that it never began. */
    sealed interface End {
        /** It was never started. */
        record NeverStarted() implements End {}

        /** Its start is under way, though the application doesn't show it. */
        record Starting(Instant at) implements End {}

        /**
         * Its start failed.
         *
         * @param ranNever whether the service says of each of its starts that it failed, so that it surely never ran. A
         *     start that was cancelled may have come as far as a checkpoint
         */
        record StartFailed(Instant startedAt, @Nullable Instant at, String operationId, boolean ranNever)
                implements End {}

        /** It ran, and a change of its application failed, such as an update, which left it READY. */
        record ChangeFailed(Instant startedAt, @Nullable Instant at, String operationId) implements End {}

        /** It was stopped, by whomever. */
        record Stopped(Instant startedAt, ApplicationOperationInfo stop) implements End {}

        /** It ended by itself. */
        record ByItself(Instant startedAt) implements End {}
    }

    /** How an attempt ended whose application is READY. */
    End end() {
        List<ApplicationOperationInfo> operations = operations();
        Optional<ApplicationOperationInfo> start =
                operations.stream().filter(AttemptLife::isStart).max(BY_START);
        if (start.isEmpty()) {
            return new End.NeverStarted();
        }
        Instant startedAt = start.get().startTime();
        return switch (start.get().operationStatus()) {
            case IN_PROGRESS, UNKNOWN_TO_SDK_VERSION -> new End.Starting(startedAt);
            case FAILED, CANCELLED ->
                lastStop(operations, startedAt)
                        .<End>map(stop -> new End.Stopped(startedAt, stop))
                        .orElseGet(() -> new End.StartFailed(
                                startedAt,
                                start.get().endTime(),
                                start.get().operationId(),
                                operations.stream()
                                        .filter(AttemptLife::isStart)
                                        .allMatch(each -> each.operationStatus() == OperationStatus.FAILED)));
            case SUCCESSFUL ->
                lastStop(operations, startedAt)
                        .<End>map(stop -> new End.Stopped(startedAt, stop))
                        .or(() -> failedChange(operations, startedAt)
                                .map(change -> new End.ChangeFailed(startedAt, change.endTime(), change.operationId())))
                        .orElseGet(() -> new End.ByItself(startedAt));
        };
    }

    /** The first of the changes since the last that succeeded: the others, such as a roll-back, come from it. */
    private static Optional<ApplicationOperationInfo> failedChange(
            List<ApplicationOperationInfo> operations, Instant startedAt) {
        List<ApplicationOperationInfo> changes = operations.stream()
                .filter(operation -> !isStart(operation) && !isStop(operation))
                .filter(operation -> !operation.startTime().isBefore(startedAt))
                .sorted(BY_START)
                .toList();
        ApplicationOperationInfo failed = null;
        for (ApplicationOperationInfo change : changes) {
            switch (change.operationStatus()) {
                case SUCCESSFUL -> failed = null;
                case FAILED -> failed = failed == null ? change : failed;
                case IN_PROGRESS, CANCELLED, UNKNOWN_TO_SDK_VERSION -> {}
            }
        }
        return Optional.ofNullable(failed);
    }

    private static Optional<ApplicationOperationInfo> lastStop(
            List<ApplicationOperationInfo> operations, Instant startedAt) {
        return operations.stream()
                .filter(AttemptLife::isStop)
                .filter(stop -> !stop.startTime().isBefore(startedAt))
                .filter(stop -> stop.operationStatus() == OperationStatus.SUCCESSFUL)
                .max(BY_START);
    }

    /** The newest stop of this attempt, in whichever state. */
    Optional<ApplicationOperationInfo> newestStop() {
        return operations().stream().filter(AttemptLife::isStop).max(BY_START);
    }

    /** The newest update or roll-back since the newest start of this attempt, in whichever state. */
    Optional<ApplicationOperationInfo> newestChange() {
        return newest(operation -> isUpdate(operation) || isRollBack(operation));
    }

    /** The newest update since the newest start of this attempt, in whichever state. */
    Optional<ApplicationOperationInfo> newestUpdate() {
        return newest(AttemptLife::isUpdate);
    }

    /** What runs is changed behind the end of its start; what was changed before it is the mark. */
    private Optional<ApplicationOperationInfo> newest(Predicate<ApplicationOperationInfo> kind) {
        List<ApplicationOperationInfo> operations = operations();
        return operations.stream()
                .filter(AttemptLife::isStart)
                .max(BY_START)
                .map(ApplicationOperationInfo::endTime)
                .flatMap(started -> operations.stream()
                        .filter(kind)
                        .filter(operation -> !operation.startTime().isBefore(started))
                        .max(BY_START));
    }

    /** The newest snapshot that was complete and begun at a time or later: the last of those of one second. */
    Optional<SnapshotDetails> newestSnapshotSince(Instant time) {
        return snapshots().stream()
                .filter(snapshot -> snapshot.snapshotStatus() == SnapshotStatus.READY
                        && snapshot.snapshotCreationTimestamp() != null
                        && !snapshot.snapshotCreationTimestamp().isBefore(wholeSecond(time)))
                .sorted(Comparator.comparing(SnapshotDetails::snapshotCreationTimestamp))
                .reduce((earlier, later) -> later);
    }

    /**
     * The snapshot that a stop took: it can't be named, so it is known by its time; forced stops take none. One with
     * the name of a trigger was asked for, maybe in the very second of the stop.
     */
    Optional<SnapshotDetails> snapshotOf(ApplicationOperationInfo stop) {
        return snapshots().stream()
                .filter(snapshot -> snapshot.snapshotStatus() == SnapshotStatus.READY
                        && snapshot.snapshotCreationTimestamp() != null
                        && !TriggerId.isOne(snapshot.snapshotName())
                        && OF_RESTARTS.stream().noneMatch(snapshot.snapshotName()::startsWith))
                .filter(snapshot -> !snapshot.snapshotCreationTimestamp().isBefore(wholeSecond(stop.startTime())))
                .filter(snapshot -> stop.endTime() == null
                        || !snapshot.snapshotCreationTimestamp().isAfter(stop.endTime()))
                .max(Comparator.comparing(SnapshotDetails::snapshotCreationTimestamp));
    }

    private List<SnapshotDetails> snapshots() {
        List<SnapshotDetails> all = new ArrayList<>();
        String token = null;
        for (int page = 0; page < MOST_PAGES; page++) {
            String next = token;
            ListApplicationSnapshotsResponse answer = api.ask(
                            deadline,
                            client -> client.listApplicationSnapshots(request ->
                                    request.applicationName(name()).limit(PAGE).nextToken(next)))
                    .orElse(null);
            if (answer == null) {
                return all;
            }
            all.addAll(answer.snapshotSummaries());
            token = answer.nextToken();
            if (token == null) {
                return all;
            }
        }
        return all;
    }

    /** The application's operations since it was marked with the attempt. */
    private List<ApplicationOperationInfo> operations() {
        Instant since = wholeSecond(markedAt());
        List<ApplicationOperationInfo> all = new ArrayList<>();
        String token = null;
        for (int page = 0; page < MOST_PAGES; page++) {
            String next = token;
            ListApplicationOperationsResponse answer = api.ask(
                            deadline,
                            client -> client.listApplicationOperations(request ->
                                    request.applicationName(name()).limit(PAGE).nextToken(next)))
                    .orElse(null);
            if (answer == null) {
                return all;
            }
            answer.applicationOperationInfoList().stream()
                    .filter(AttemptLife::isWhole)
                    .filter(operation -> !operation.startTime().isBefore(since))
                    .forEach(all::add);
            token = answer.nextToken();
            if (token == null) {
                return all;
            }
        }
        return all;
    }

    /**
     * When the first version with this attempt's mark was made: each change behind it made another. It is looked for in
     * ever larger steps and then by halves, since an attempt that is rescaled by a schedule has hundreds.
     */
    Instant markedAt() {
        Instant since = madeAt(application);
        long marked = application.applicationVersionId();
        long unmarked = 0;
        for (long step = 1; marked - unmarked > 1; step *= 2) {
            long version = unmarked == 0 ? Math.max(1, marked - step) : (marked + unmarked) / 2;
            Optional<ApplicationDetail> earlier = api.ask(
                            deadline,
                            client -> client.describeApplicationVersion(
                                    request -> request.applicationName(name()).applicationVersionId(version)))
                    .map(DescribeApplicationVersionResponse::applicationVersionDetail)
                    .filter(detail -> AttemptMark.isOn(detail, attempt));
            if (earlier.isPresent()) {
                marked = version;
                since = madeAt(earlier.get());
            } else {
                unmarked = version;
            }
        }
        return since;
    }

    private static Instant madeAt(ApplicationDetail version) {
        return version.applicationVersionCreateTimestamp() == null
                ? version.createTimestamp()
                : version.applicationVersionCreateTimestamp();
    }

    /** The service tells some times in whole seconds. */
    static Instant wholeSecond(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS);
    }

    private String name() {
        return application.applicationName();
    }

    /** What the service leaves out it can't be asked about. */
    private static boolean isWhole(ApplicationOperationInfo operation) {
        return operation.operation() != null
                && operation.operationId() != null
                && operation.operationStatus() != null
                && operation.startTime() != null;
    }

    private static boolean isStart(ApplicationOperationInfo operation) {
        return operation.operation().startsWith("Start");
    }

    private static boolean isStop(ApplicationOperationInfo operation) {
        return operation.operation().startsWith("Stop");
    }

    private static boolean isUpdate(ApplicationOperationInfo operation) {
        return operation.operation().equals("UpdateApplication");
    }

    /** By a call, or by the service itself. */
    static boolean isRollBack(ApplicationOperationInfo operation) {
        return operation.operation().contains("Rollback");
    }
}
