package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Ports;
import io.sluiceway.control.StopJob;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code stop-job}: stops a job with a savepoint, drains it, or cancels it. */
@Singleton
public class StopJobFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;

    @Inject
    StopJobFunction(Invocation invocation, Supplier<Ports> ports) {
        this.invocation = invocation;
        this.ports = ports;
    }

    /** Takes a {@code stop-job.request.json}, answers a {@code stop-job.answer.json}. */
    @Funq("stop-job")
    public JsonNode stopJob(Event event) {
        return invocation.change(
                event,
                StopJobRequest.class,
                ports,
                (request, on, deadline) -> new StopJob(on)
                        .stop(
                                request.request(),
                                request.target(),
                                request.ownerOrNull(),
                                request.modeOrDefault(),
                                deadline));
    }
}
