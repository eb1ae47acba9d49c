package io.sluiceway.control;

import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.StoragePath;

/** What a verb asks of a cluster that changes something there. */
sealed interface Effect {
    /** The jar is given to the cluster. */
    record AddJar(JarDigest jar) implements Effect {}

    /** A job is run. */
    record Run(JobLaunch launch) implements Effect {
        /** Without the specification, which holds the program's arguments. */
        @Override
        public String toString() {
            return "Run[%s]".formatted(launch.id());
        }
    }

    /** A savepoint is triggered. */
    record Save(FlinkJobId job, TriggerId trigger, StoragePath directory) implements Effect {}

    /** A stop with a savepoint is triggered. */
    record Stop(FlinkJobId job, TriggerId trigger, StoragePath directory, boolean drain) implements Effect {}

    /** A job is cancelled. */
    record Cancel(FlinkJobId job) implements Effect {}

    /** A job is to go on with another parallelism. */
    record Rescale(ClusterName cluster, FlinkJobId job, int parallelism) implements Effect {}

    /** The last change of a job is taken back. */
    record RollBack(ClusterName cluster, FlinkJobId job) implements Effect {}

    /** A savepoint is removed. */
    record Dispose(JobName job, StoragePath savepoint) implements Effect {}
}
