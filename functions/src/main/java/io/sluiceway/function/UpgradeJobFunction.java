package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Ports;
import io.sluiceway.control.UpgradeJob;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code upgrade-job}: has a new version of a job take over from the old one, with its state. */
@Singleton
public class UpgradeJobFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;
    private final Supplier<Jars> jars;

    @Inject
    UpgradeJobFunction(Invocation invocation, Supplier<Ports> ports, Supplier<Jars> jars) {
        this.invocation = invocation;
        this.ports = ports;
        this.jars = jars;
    }

    /** Takes an {@code upgrade-job.request.json}, answers an {@code upgrade-job.answer.json}. */
    @Funq("upgrade-job")
    public JsonNode upgradeJob(Event event) {
        return invocation.change(
                event,
                UpgradeJobRequest.class,
                ports,
                (request, on, deadline) -> new UpgradeJob(on, jars.get())
                        .upgrade(request.request(), request.spec(), request.terms(), deadline));
    }
}
