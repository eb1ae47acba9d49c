package io.sluiceway.cluster;

import io.sluiceway.savepoint.StoragePath;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the deployment says of a cluster. */
public sealed interface ClusterSettings {
    /**
     * A Flink session cluster.
     *
     * @param url where its JobManager's REST endpoint is, {@code http} or {@code https}, as the functions reach it
     * @param uiUrl where people reach its web UI; absent: the same place
     * @param savepointRoot the directory that savepoints are written below
     * @param checkpointRoot the directory that its jobs' checkpoints lie below; absent: none is retained
     * @param restoreRoots further directories that jobs may be restored from
     * @param slots whether its task slots are fixed in number
     */
    record Session(
            URI url,
            @Nullable URI uiUrl,
            StoragePath savepointRoot,
            @Nullable StoragePath checkpointRoot,
            List<StoragePath> restoreRoots,
            Slots slots)
            implements ClusterSettings {
        public Session {
            url = withoutTrailingSlash(url);
            uiUrl = uiUrl == null ? null : withoutTrailingSlash(uiUrl);
            restoreRoots = List.copyOf(restoreRoots);
        }

        /** Paths are put behind these URLs. */
        private static URI withoutTrailingSlash(URI url) {
            String text = url.toString();
            return text.endsWith("/") ? URI.create(text.substring(0, text.length() - 1)) : url;
        }

        /** Whether a job may be restored from this path. */
        public boolean mayRestoreFrom(StoragePath path) {
            Stream<StoragePath> ownRoots =
                    checkpointRoot == null ? Stream.of(savepointRoot) : Stream.of(savepointRoot, checkpointRoot);
            return Stream.concat(ownRoots, restoreRoots.stream()).anyMatch(path::isWithin);
        }
    }

    /**
     * Applications on Amazon Managed Service for Apache Flink, one for each job.
     *
     * @param applications the applications' names, with {@code {job}} where the job's name stands
     * @param ownership who makes and changes the applications
     * @param runtime the runtime environment, such as {@code FLINK-2_3}; absent when the ownership is EXTERNAL
     * @param serviceRoleArn the role that the applications run with; absent when the ownership is EXTERNAL
     * @param logStreamArn the log stream that the applications write to; absent: none
     * @param checkpointInterval the time between two checkpoints
     * @param parallelismPerKpu how many subtasks share a Kinesis processing unit, 1 to 8
     */
    record Managed(
            ApplicationNames applications,
            Ownership ownership,
            @Nullable String runtime,
            @Nullable String serviceRoleArn,
            @Nullable String logStreamArn,
            Duration checkpointInterval,
            int parallelismPerKpu)
            implements ClusterSettings {}

    /** Who makes and changes the applications of a managed cluster. */
    enum Ownership {
        /** Sluiceway creates and updates them as the jobs' specifications say. */
        SLUICEWAY,
        /** Code and configuration are somebody else's; Sluiceway starts, stops and saves them. */
        EXTERNAL
    }

    /** Whether a cluster's number of task slots is fixed. */
    enum Slots {
        /** A job that needs more slots than there are can't run; it is refused. */
        FIXED,
        /** The cluster gets more TaskManagers when a job needs them. */
        ELASTIC
    }
}
