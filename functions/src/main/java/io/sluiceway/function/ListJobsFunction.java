package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.ListJobs;
import io.sluiceway.control.Ports;
import io.sluiceway.job.ClusterName;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code list-jobs}: lists the jobs that a cluster knows. */
@Singleton
public class ListJobsFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;

    @Inject
    ListJobsFunction(Invocation invocation, Supplier<Ports> ports) {
        this.invocation = invocation;
        this.ports = ports;
    }

    /** Takes a {@code list-jobs.request.json}, answers a {@code list-jobs.answer.json}. */
    @Funq("list-jobs")
    public JsonNode listJobs(Event event) {
        return invocation.answer(
                event,
                ListJobsRequest.class,
                (request, deadline) -> new ListJobs(ports.get())
                        .list(
                                new ClusterName(request.cluster()),
                                request.pageSizeOrDefault(),
                                request.after(),
                                deadline));
    }
}
