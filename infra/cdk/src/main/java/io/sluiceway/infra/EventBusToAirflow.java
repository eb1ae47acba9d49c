package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.List;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.events.BaseArchiveProps;
import software.amazon.awscdk.services.events.EventBus;
import software.amazon.awscdk.services.events.EventPattern;
import software.amazon.awscdk.services.events.Rule;
import software.amazon.awscdk.services.events.targets.SqsQueue;
import software.amazon.awscdk.services.sqs.DeadLetterQueue;
import software.amazon.awscdk.services.sqs.Queue;
import software.amazon.awscdk.services.sqs.QueueEncryption;
import software.constructs.Construct;

/**
 * The bus that carries Sluiceway's events, its archive, and the queue from which Airflow takes them. Whoever else wants
 * them puts a rule of their own on the bus.
 */
public final class EventBusToAirflow extends Construct {
    /** The source of all of Sluiceway's events. */
    static final String SOURCE = "sluiceway";

    /** The environment variable that names the bus to a function. */
    static final String VARIABLE = "SLUICEWAY_EVENT_BUS";

    /** How long the archive can replay; the functions' own default for how long events can be listed. */
    private static final Duration ARCHIVED = Duration.days(30);

    /** How often a message may be received before it counts as one that Airflow can't take. */
    private static final int MOST_RECEIVES = 5;

    private final EventBus bus;
    private final Queue queue;

    /**
     * Makes the bus, the archive, the queue and the rule between them.
     *
     * @param scope the stack
     * @param settings the deployment
     * @param failed where events go that the queue or Airflow couldn't take
     */
    public EventBusToAirflow(Construct scope, Settings settings, FailedEvents failed) {
        super(scope, "events");
        EventPattern ours = EventPattern.builder().source(List.of(SOURCE)).build();
        bus = EventBus.Builder.create(this, "bus")
                .eventBusName(settings.stage().fullName())
                .description("Events of Sluiceway's jobs and operations")
                .build();
        bus.archive(
                "archive",
                BaseArchiveProps.builder()
                        .archiveName(settings.stage().nameOf("events"))
                        .description("For a replay after the fact")
                        .eventPattern(ours)
                        .retention(ARCHIVED)
                        .build());
        queue = Queue.Builder.create(this, "queue")
                .queueName(settings.stage().nameOf("airflow-events"))
                .retentionPeriod(Duration.days(14))
                .encryption(QueueEncryption.SQS_MANAGED)
                .enforceSsl(true)
                .deadLetterQueue(DeadLetterQueue.builder()
                        .queue(failed.queue())
                        .maxReceiveCount(MOST_RECEIVES)
                        .build())
                .build();
        Rule.Builder.create(this, "to-airflow")
                .ruleName(settings.stage().nameOf("to-airflow"))
                .description("Sluiceway's events, for Airflow's asset watcher")
                .eventBus(bus)
                .eventPattern(ours)
                .targets(List.of(SqsQueue.Builder.create(queue)
                        .deadLetterQueue(failed.queue())
                        .build()))
                .build();
    }

    /**
     * Lets a function publish on the bus, and tells it which that is.
     *
     * @param function a function that records events
     */
    void grantTo(SluicewayFunction function) {
        function.allow("PublishEvents", List.of("events:PutEvents"), List.of(bus.getEventBusArn()));
        function.function().addEnvironment(VARIABLE, bus.getEventBusName());
    }

    /** {@return the bus} */
    public EventBus bus() {
        return bus;
    }

    /** {@return the queue that Airflow watches} */
    public Queue queue() {
        return queue;
    }
}
