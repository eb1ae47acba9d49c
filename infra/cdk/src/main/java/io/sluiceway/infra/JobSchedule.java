package io.sluiceway.infra;

import io.sluiceway.infra.settings.Triggers;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awscdk.TimeZone;
import software.amazon.awscdk.services.scheduler.ContextAttribute;
import software.amazon.awscdk.services.scheduler.Schedule;
import software.amazon.awscdk.services.scheduler.ScheduleExpression;
import software.amazon.awscdk.services.scheduler.ScheduleTargetInput;
import software.amazon.awscdk.services.scheduler.targets.LambdaInvoke;
import software.constructs.Construct;

/**
 * Calls a function at times: starts a job at noon, takes its savepoint every six hours, stops it on Sunday.
 *
 * <p>The request id is made of the schedule's ARN and the scheduled time. EventBridge Scheduler delivers at least once,
 * and repeats a delivery with the same two, so that each time is one request.
 */
public final class JobSchedule extends Construct {
    /**
     * What a schedule is made from.
     *
     * @param schedules the group that it belongs to
     * @param schedule when, and what is called with what
     * @param function the function that the schedule names
     */
    public record Input(Schedules schedules, Triggers.Schedule schedule, SluicewayFunction function) {}

    /**
     * Makes the schedule.
     *
     * @param scope the stack
     * @param input what to make it from
     */
    public JobSchedule(Construct scope, Input input) {
        super(scope, "schedule-" + input.schedule().name());
        Triggers.Schedule schedule = input.schedule();
        Map<String, Object> event = new TreeMap<>(schedule.event());
        event.put("requestId", ContextAttribute.getScheduleArn() + "/" + ContextAttribute.getScheduledTime());
        if (schedule.function().changesJobs()) {
            event.put("try", 1);
        }
        Schedule.Builder.create(this, "schedule")
                .scheduleName(schedule.name())
                .description("Calls %s".formatted(schedule.function()))
                .scheduleGroup(input.schedules().group())
                .schedule(ScheduleExpression.expression(schedule.at(), TimeZone.of(schedule.timeZone())))
                .target(LambdaInvoke.Builder.create(input.function().live())
                        .input(ScheduleTargetInput.fromObject(event))
                        .role(input.schedules().role())
                        .deadLetterQueue(input.schedules().failed().queue())
                        .maxEventAge(FailedEvents.MOST_AGE)
                        .retryAttempts(FailedEvents.RETRIES)
                        .build())
                .build();
    }
}
