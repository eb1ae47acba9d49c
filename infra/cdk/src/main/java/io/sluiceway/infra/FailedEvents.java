package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.List;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.services.sqs.Queue;
import software.amazon.awscdk.services.sqs.QueueEncryption;
import software.constructs.Construct;

/**
 * The queue in which every event ends that came to nothing: one that its function refused or failed on for good, one
 * that a schedule or rule couldn't deliver, one that Airflow couldn't take. It has an alarm, and keeps them as long as
 * SQS can: 14 days.
 */
public final class FailedEvents extends Construct {
    /** A call that couldn't be delivered for so long ends here; what is due again later comes by itself. */
    static final Duration MOST_AGE = Duration.hours(1);

    /** A call that couldn't be delivered so many times more ends here. */
    static final int RETRIES = 10;

    private final Queue queue;

    /**
     * Makes the queue.
     *
     * @param scope the stack
     * @param settings the deployment
     */
    public FailedEvents(Construct scope, Settings settings) {
        super(scope, "failed-events");
        queue = Queue.Builder.create(this, "queue")
                .queueName(settings.stage().nameOf("failed-events"))
                .retentionPeriod(Duration.days(14))
                .encryption(QueueEncryption.SQS_MANAGED)
                .enforceSsl(true)
                .build();
        Nag.accept(queue, "AwsSolutions-SQS3", "It is the dead-letter queue itself.");
    }

    /** {@return the queue} */
    public Queue queue() {
        return queue;
    }

    /**
     * Lets a function say here that it failed: Lambda sends that with the function's own role.
     *
     * @param function a function that is called asynchronously
     */
    void grantTo(SluicewayFunction function) {
        function.allow("SendFailedEvents", List.of("sqs:SendMessage"), List.of(queue.getQueueArn()));
    }
}
