package io.sluiceway.infra;

import org.jspecify.annotations.Nullable;
import software.amazon.awscdk.services.cloudwatch.Alarm;
import software.amazon.awscdk.services.cloudwatch.actions.SnsAction;
import software.amazon.awscdk.services.sns.Topic;
import software.constructs.Construct;

/** The SNS topic that hears when an alarm goes off and when it is over. Without one, alarms are only shown. */
public final class AlarmTopic {
    private final @Nullable SnsAction action;

    /**
     * Refers to the topic.
     *
     * @param scope what the alarms belong to
     * @param topicArn the topic's ARN; absent: nobody is told
     */
    public AlarmTopic(Construct scope, @Nullable String topicArn) {
        this.action = topicArn == null ? null : new SnsAction(Topic.fromTopicArn(scope, "topic", topicArn));
    }

    /**
     * Has the topic hear of an alarm.
     *
     * @param alarm the alarm
     */
    public void hearsOf(Alarm alarm) {
        if (action != null) {
            alarm.addAlarmAction(action);
            alarm.addOkAction(action);
        }
    }
}
