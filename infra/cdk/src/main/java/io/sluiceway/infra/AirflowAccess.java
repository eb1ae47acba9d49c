package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import java.util.List;
import software.amazon.awscdk.services.iam.ManagedPolicy;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.constructs.Construct;

/**
 * What Airflow may do: call the functions by their alias, and take events from its queue. The policy is attached to
 * Airflow's role, such as the execution role of an MWAA environment.
 */
public final class AirflowAccess extends Construct {
    private final ManagedPolicy policy;

    /**
     * Makes the policy.
     *
     * @param scope the stack
     * @param settings the deployment
     * @param functions the functions
     * @param events the queue that Airflow watches
     */
    public AirflowAccess(Construct scope, Settings settings, Functions functions, EventBusToAirflow events) {
        super(scope, "airflow");
        policy = ManagedPolicy.Builder.create(this, "policy")
                .managedPolicyName(settings.stage().nameOf("airflow"))
                .description("Lets Airflow call Sluiceway's functions and take its events")
                .statements(List.of(
                        PolicyStatement.Builder.create()
                                .sid("CallTheFunctions")
                                .actions(List.of("lambda:InvokeFunction"))
                                .resources(functions.all().stream()
                                        .map(function -> function.live().getFunctionArn())
                                        .toList())
                                .build(),
                        PolicyStatement.Builder.create()
                                .sid("TakeEvents")
                                .actions(List.of("sqs:DeleteMessage", "sqs:ReceiveMessage"))
                                .resources(List.of(events.queue().getQueueArn()))
                                .build()))
                .build();
    }

    /** {@return the policy's ARN} */
    public String arn() {
        return policy.getManagedPolicyArn();
    }
}
