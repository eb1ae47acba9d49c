package io.sluiceway.function;

import static io.sluiceway.function.MissingFieldException.required;

import io.quarkus.runtime.annotations.RegisterForReflection;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.RequestId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The event of {@code monitor-jobs}; {@code schemas/monitor-jobs.request.json} describes its fields. */
@RegisterForReflection
record MonitorJobsRequest(
        @Nullable OnRefusal onRefusal,
        @Nullable String requestId,
        @Nullable List<String> clusters) implements FunctionRequest {
    MonitorJobsRequest {
        for (int i = 0; clusters != null && i < clusters.size(); i++) {
            required("clusters[" + i + "]", clusters.get(i));
        }
    }

    /** What the caller calls this sweep; null when it gives it no name. */
    @Nullable
    RequestId requestOrNull() {
        return requestId == null ? null : new RequestId(requestId);
    }

    /** The clusters to sweep over; none: all that are configured. */
    List<ClusterName> clusterNames() {
        if (clusters == null) {
            return List.of();
        }
        List<ClusterName> names = clusters.stream().map(ClusterName::new).toList();
        if (names.isEmpty() || names.stream().distinct().count() < names.size()) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "The field 'clusters' names no cluster, or one twice; leave it out for all of them.");
        }
        return names;
    }
}
