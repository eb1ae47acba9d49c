package io.sluiceway.event;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.event.EventBus.Publication;
import io.sluiceway.event.EventData.JobStateChanged;
import io.sluiceway.event.EventData.JobStateChanged.State;
import io.sluiceway.event.EventData.OperationFailed;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.OperationState;
import io.sluiceway.operation.OperationType;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every {@link EventBus} promises; the fake promises it too. */
public abstract class EventBusContract {
    /** One of its own for each test, since they may share a bus. */
    private final JobName job =
            new JobName("job-" + UUID.randomUUID().toString().substring(0, 8));

    /** The bus under test. */
    protected abstract EventBus bus();

    /** The ids of those events of a job that arrived so far, each as often as it did. */
    protected abstract List<EventId> arrived(JobName of);

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 10, 11, 35})
    void publish_events_arriveOnceEach(int count) {
        List<JobEvent> events = events(job, count);

        Publication publication = bus().publish(events, soon());

        assertThat(publication.trouble()).isNull();
        assertThat(publication.taken()).hasSize(count);
        assertThat(arrived(job))
                .containsExactlyInAnyOrderElementsOf(
                        events.stream().map(JobEvent::id).toList());
    }

    @Test
    void publish_again_arrivesUnderTheSameId() {
        List<JobEvent> events = events(job, 2);
        bus().publish(events, soon());

        bus().publish(events.reversed(), soon());

        assertThat(arrived(job)).hasSize(4);
        assertThat(arrived(job))
                .containsOnly(events.getFirst().id(), events.getLast().id());
    }

    @Test
    void publish_pastTheDeadline_takesNothingAndSaysSo() {
        Publication publication = bus().publish(events(job, 3), Deadline.in(Duration.ZERO, Clock.systemUTC()));

        assertThat(publication.taken()).isEmpty();
        assertThat(publication.trouble()).endsWith(".");
        assertThat(arrived(job)).isEmpty();
    }

    /** So many events of a job. */
    protected static List<JobEvent> events(JobName of, int count) {
        List<JobEvent> events = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            events.add(new EventDraft(
                            new ClusterName("local"),
                            of,
                            new FlinkJobId("0f".repeat(16)),
                            new RequestId("contract"),
                            Instant.parse("2013-01-05T10:00:00.123Z"),
                            new JobStateChanged(JobKind.RUN, i, State.RUNNING, null, null, "Zürich 日本 \"🛬\""))
                    .numbered(i));
        }
        return events;
    }

    /** An event whose every part is as large as it can be. */
    protected static JobEvent largest() {
        StoragePath path = new StoragePath("s3://" + "p".repeat(914));
        String sentence = "\"".repeat(5000);
        return new EventDraft(
                        new ClusterName("c".repeat(64)),
                        new JobName("j".repeat(128)),
                        new FlinkJobId("0f".repeat(16)),
                        new RequestId("r".repeat(512)),
                        Instant.parse("2013-01-05T10:00:00.123456789Z"),
                        new OperationFailed(
                                new OperationId("0f".repeat(16)),
                                OperationType.UPGRADE_JOB,
                                Instant.parse("2013-01-05T10:00:00.123456789Z"),
                                path,
                                Ending.ROLLED_BACK,
                                OperationState.ABANDONED,
                                sentence))
                .numbered(999_999_999_999L);
    }

    protected static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(20), Clock.systemUTC());
    }
}
