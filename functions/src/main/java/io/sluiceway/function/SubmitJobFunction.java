package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Ports;
import io.sluiceway.control.SubmitJob;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code submit-job}: starts a job, once per request and try. */
@Singleton
public class SubmitJobFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;
    private final Supplier<Jars> jars;

    @Inject
    SubmitJobFunction(Invocation invocation, Supplier<Ports> ports, Supplier<Jars> jars) {
        this.invocation = invocation;
        this.ports = ports;
        this.jars = jars;
    }

    /** Takes a {@code submit-job.request.json}, answers a {@code submit-job.answer.json}. */
    @Funq("submit-job")
    public JsonNode submitJob(Event event) {
        return invocation.change(
                event,
                SubmitJobRequest.class,
                ports,
                (request, on, deadline) -> new SubmitJob(on, jars.get())
                        .submit(request.request(), request.spec(), request.rerunOrDefault(), deadline));
    }
}
