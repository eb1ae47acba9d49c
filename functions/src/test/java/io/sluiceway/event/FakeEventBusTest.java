package io.sluiceway.event;

import io.sluiceway.job.JobName;
import java.util.List;

class FakeEventBusTest extends EventBusContract {
    private final FakeEventBus bus = new FakeEventBus();

    @Override
    protected EventBus bus() {
        return bus;
    }

    @Override
    protected List<EventId> arrived(JobName of) {
        return bus.arrived().stream()
                .filter(event -> event.job().equals(of))
                .map(JobEvent::id)
                .toList();
    }
}
