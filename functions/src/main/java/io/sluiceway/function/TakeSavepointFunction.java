package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.cluster.Clusters;
import io.sluiceway.control.TakeSavepoint;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code take-savepoint}: triggers a savepoint of a running job. */
@Singleton
public class TakeSavepointFunction {
    private final Invocation invocation;
    private final Supplier<Clusters> clusters;

    @Inject
    TakeSavepointFunction(Invocation invocation, Supplier<Clusters> clusters) {
        this.invocation = invocation;
        this.clusters = clusters;
    }

    /** Takes a {@code take-savepoint.request.json}, answers a {@code take-savepoint.answer.json}. */
    @Funq("take-savepoint")
    public JsonNode takeSavepoint(Event event) {
        return invocation.answer(
                event,
                TakeSavepointRequest.class,
                (request, deadline) -> new TakeSavepoint(clusters.get())
                        .take(
                                request.request(),
                                new ClusterName(request.cluster()),
                                new FlinkJobId(request.flinkJobId()),
                                deadline));
    }
}
