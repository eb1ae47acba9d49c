package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Ports;
import io.sluiceway.control.SubmitJob;
import io.sluiceway.jar.JarStore;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Supplier;

/** The function {@code submit-job}: starts a job, once per request and try. */
@Singleton
public class SubmitJobFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;
    private final JarStore jars;
    private final SluicewayConfig config;

    @Inject
    SubmitJobFunction(Invocation invocation, Supplier<Ports> ports, JarStore jars, SluicewayConfig config) {
        this.invocation = invocation;
        this.ports = ports;
        this.jars = jars;
        this.config = config;
    }

    /** Takes a {@code submit-job.request.json}, answers a {@code submit-job.answer.json}. */
    @Funq("submit-job")
    public JsonNode submitJob(Event event) {
        return invocation.answer(
                event,
                SubmitJobRequest.class,
                ports,
                (request, deadline) -> new SubmitJob(ports.get(), jars())
                        .submit(request.request(), request.spec(), request.rerunOrDefault(), deadline));
    }

    private Jars jars() {
        return new Jars(jars, config.jarBuckets().orElse(Set.of()), Path.of(System.getProperty("java.io.tmpdir")));
    }
}
