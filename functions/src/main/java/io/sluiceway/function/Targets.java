package io.sluiceway.function;

import io.sluiceway.control.Target;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobName;
import org.jspecify.annotations.Nullable;

/** Reads what an event says that a verb acts on. */
final class Targets {
    private Targets() {}

    static Target read(String cluster, @Nullable String jobName, @Nullable String flinkJobId) {
        return new Target(
                new ClusterName(cluster),
                jobName == null ? null : new JobName(jobName),
                flinkJobId == null ? null : new FlinkJobId(flinkJobId));
    }
}
