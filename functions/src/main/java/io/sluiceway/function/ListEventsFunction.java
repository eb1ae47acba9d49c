package io.sluiceway.function;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.funqy.Funq;
import io.sluiceway.control.ListEvents;
import io.sluiceway.control.Ports;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.JobName;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** The function {@code list-events}: lists what was told of a job. */
@Singleton
public class ListEventsFunction {
    private final Invocation invocation;
    private final Supplier<Ports> ports;

    @Inject
    ListEventsFunction(Invocation invocation, Supplier<Ports> ports) {
        this.invocation = invocation;
        this.ports = ports;
    }

    /** Takes a {@code list-events.request.json}, answers a {@code list-events.answer.json}. */
    @Funq("list-events")
    public JsonNode listEvents(Event event) {
        return invocation.answer(
                event,
                ListEventsRequest.class,
                (request, deadline) -> new ListEvents(ports.get())
                        .list(
                                new ClusterName(request.cluster()),
                                new JobName(request.jobName()),
                                request.afterSequenceOrZero(),
                                request.pageSizeOrDefault(),
                                deadline));
    }
}
