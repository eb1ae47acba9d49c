package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Ports;
import io.sluiceway.control.RescaleJob;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code rescale-job}: gives a running job another parallelism, with its state. */
@Singleton
public class RescaleJobFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;
    private final Supplier<Jars> jars;

    @Inject
    RescaleJobFunction(Invocation invocation, Supplier<Ports> ports, Supplier<Jars> jars) {
        this.invocation = invocation;
        this.ports = ports;
        this.jars = jars;
    }

    /** Takes a {@code rescale-job.request.json}, answers a {@code rescale-job.answer.json}. */
    @Funq("rescale-job")
    public JsonNode rescaleJob(Event event) {
        return invocation.change(
                event,
                RescaleJobRequest.class,
                ports,
                (request, on, deadline) -> new RescaleJob(on, jars.get())
                        .rescale(
                                request.request(),
                                new ClusterName(request.cluster()),
                                new JobName(request.jobName()),
                                request.ownerOrNull(),
                                request.terms(),
                                deadline));
    }
}
