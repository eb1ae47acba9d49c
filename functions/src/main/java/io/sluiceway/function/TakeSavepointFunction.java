package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.Ports;
import io.sluiceway.control.TakeSavepoint;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code take-savepoint}: triggers a savepoint of a running job. */
@Singleton
public class TakeSavepointFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;

    @Inject
    TakeSavepointFunction(Invocation invocation, Supplier<Ports> ports) {
        this.invocation = invocation;
        this.ports = ports;
    }

    /** Takes a {@code take-savepoint.request.json}, answers a {@code take-savepoint.answer.json}. */
    @Funq("take-savepoint")
    public JsonNode takeSavepoint(Event event) {
        return invocation.change(
                event,
                TakeSavepointRequest.class,
                ports,
                (request, on, deadline) -> new TakeSavepoint(on)
                        .take(request.request(), request.target(), request.pinOrDefault(), deadline));
    }
}
