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

    /** An attempt gets a version of its own; the service may make a few more while it runs. */
    private static final int MOST_VERSIONS = 50;

    private static final int MOST_PAGES = 20;

    private static final Comparator<ApplicationOperationInfo> BY_START =
            Comparator.comparing(ApplicationOperationInfo::startTime);

    /** How it ended, or that it never began. */
    sealed interface End {
        /** It was never started. */
        record NeverStarted() implements End {}

        /** Its start is under way, though the application doesn't show it. */
        record Starting(Instant at) implements End {}

        /** Its start failed. */
        record StartFailed(Instant startedAt, @Nullable Instant at, String operationId) implements End {}

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
                                startedAt, start.get().endTime(), start.get().operationId()));
            case SUCCESSFUL ->
                lastStop(operations, startedAt)
                        .<End>map(stop -> new End.Stopped(startedAt, stop))
                        .orElseGet(() -> new End.ByItself(startedAt));
        };
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

    /**
     * The snapshot that a stop took: it can't be named, so it is known by its time; forced stops take none. One with
     * the name of a trigger was asked for, maybe in the very second of the stop.
     */
    Optional<SnapshotDetails> snapshotOf(ApplicationOperationInfo stop) {
        return snapshots().stream()
                .filter(snapshot -> snapshot.snapshotStatus() == SnapshotStatus.READY
                        && snapshot.snapshotCreationTimestamp() != null
                        && !TriggerId.isOne(snapshot.snapshotName()))
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

    /** When the first version with this attempt's mark was made: the service may have made others behind it. */
    Instant markedAt() {
        Instant marked = madeAt(application);
        long current = application.applicationVersionId();
        for (long version = current - 1; version >= 1 && version > current - MOST_VERSIONS; version--) {
            long earlier = version;
            Optional<ApplicationDetail> detail = api.ask(
                            deadline,
                            client -> client.describeApplicationVersion(
                                    request -> request.applicationName(name()).applicationVersionId(earlier)))
                    .map(DescribeApplicationVersionResponse::applicationVersionDetail);
            if (detail.isEmpty() || !AttemptMark.isOn(detail.get(), attempt)) {
                return marked;
            }
            marked = madeAt(detail.get());
        }
        return marked;
    }

    private static Instant madeAt(ApplicationDetail version) {
        return version.applicationVersionCreateTimestamp() == null
                ? version.createTimestamp()
                : version.applicationVersionCreateTimestamp();
    }

    /** The service tells some times in whole seconds. */
    private static Instant wholeSecond(Instant time) {
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
}
