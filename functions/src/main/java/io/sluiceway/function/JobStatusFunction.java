package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Jars;
import io.sluiceway.control.ObserveJob;
import io.sluiceway.control.Ports;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code job-status}: observes one job or one operation. */
@Singleton
public class JobStatusFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;
    private final Supplier<Jars> jars;

    @Inject
    JobStatusFunction(Invocation invocation, Supplier<Ports> ports, Supplier<Jars> jars) {
        this.invocation = invocation;
        this.ports = ports;
        this.jars = jars;
    }

    /** Takes a {@code job-status.request.json}, answers a {@code job-status.answer.json}. */
    @Funq("job-status")
    public JsonNode jobStatus(Event event) {
        return invocation.answer(
                event,
                JobStatusRequest.class,
                ports,
                (request, deadline) -> request.observe(new ObserveJob(ports.get()), jars.get(), deadline));
    }
}
