package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.control.StopJob;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code stop-job}: stops a job with a savepoint, drains it, or cancels it. */
@Singleton
public class StopJobFunction {
    private final Invocation invocation;
    private final Supplier<Clusters> clusters;

    @Inject
    StopJobFunction(Invocation invocation, Supplier<Clusters> clusters) {
        this.invocation = invocation;
        this.clusters = clusters;
    }

    /** Takes a {@code stop-job.request.json}, answers a {@code stop-job.answer.json}. */
    @Funq("stop-job")
    public JsonNode stopJob(Event event) {
        return invocation.answer(
                event,
                StopJobRequest.class,
                (request, deadline) -> new StopJob(clusters.get())
                        .stop(
                                request.request(),
                                new ClusterName(request.cluster()),
                                new FlinkJobId(request.flinkJobId()),
                                request.modeOrDefault(),
                                deadline));
    }
}
