package io.sluiceway.infra;

import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.Triggers;
import java.util.Map;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.scheduler.ScheduleGroup;
import software.constructs.Construct;

/**
 * What EventBridge Scheduler calls, in one group: the sweep of {@code monitor-jobs}, and the schedules of single jobs.
 * The Scheduler has one role for them, which may call just the functions that are scheduled; only this group can take
 * it.
 */
public final class Schedules extends Construct {
    private final ScheduleGroup group;
    private final Role role;
    private final FailedEvents failed;

    /**
     * Makes the group and the sweep's schedule.
     *
     * @param scope the stack
     * @param settings the deployment
     * @param monitorJobs the function that sweeps
     * @param failed where calls go that couldn't be delivered
     */
    public Schedules(Construct scope, Settings settings, SluicewayFunction monitorJobs, FailedEvents failed) {
        super(scope, "schedules");
        this.failed = failed;
        String name = settings.stage().fullName();
        group = ScheduleGroup.Builder.create(this, "group")
                .scheduleGroupName(name)
                .build();
        role = Role.Builder.create(this, "role")
                .description("What the schedules of %s may call".formatted(name))
                .assumedBy(ServicePrincipal.Builder.create("scheduler.amazonaws.com")
                        .conditions(Map.of(
                                "StringEquals",
                                Map.of(
                                        "aws:SourceAccount",
                                        Stack.of(this).getAccount(),
                                        "aws:SourceArn",
                                        group.getScheduleGroupArn())))
                        .build())
                .build();
        new JobSchedule(
                this,
                new JobSchedule.Input(
                        this,
                        new Triggers.Schedule(
                                FunctionName.MONITOR_JOBS.text(),
                                FunctionName.MONITOR_JOBS,
                                settings.monitorSchedule(),
                                "UTC",
                                Map.of()),
                        monitorJobs));
    }

    ScheduleGroup group() {
        return group;
    }

    Role role() {
        return role;
    }

    FailedEvents failed() {
        return failed;
    }
}
