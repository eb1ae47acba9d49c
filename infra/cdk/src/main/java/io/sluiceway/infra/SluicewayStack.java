package io.sluiceway.infra;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsException;
import io.sluiceway.infra.settings.Triggers;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.Tags;
import software.amazon.awscdk.services.events.EventBus;
import software.amazon.awscdk.services.lambda.Code;
import software.constructs.Construct;

/**
 * Sluiceway itself: the functions, the ledger's table, the bucket for the jobs' jars, what calls the functions besides
 * Airflow, the way of events to Airflow, and what shows an operator how all that is.
 */
public final class SluicewayStack extends Stack {
    private final JobsBucket jobs;

    /**
     * What the stack is made from.
     *
     * @param settings the deployment
     * @param artifacts the directory that the build of the functions writes to
     */
    public record Input(Settings settings, Path artifacts) {}

    /**
     * Makes the stack.
     *
     * @param scope the app
     * @param input what to make it from; its stage gives the stack's name
     * @throws SettingsException if the artifact that the settings name isn't there
     */
    public SluicewayStack(Construct scope, Input input) {
        super(
                scope,
                input.settings().stage().fullName(),
                StackProps.builder()
                        .description("Sluiceway: functions that submit, observe and checkpoint Flink jobs")
                        .build());
        Settings settings = input.settings();
        settings.tags().forEach(Tags.of(this)::add);
        FailedEvents failed = new FailedEvents(this, settings);
        jobs = new JobsBucket(this, settings);
        LedgerTable ledger = new LedgerTable(this, settings);
        EventBusToAirflow events = new EventBusToAirflow(this, settings, failed);
        Functions functions = functions(input, failed, JarAccess.to(this, jobs, settings.jarSources()), ledger, events);
        Schedules schedules = new Schedules(this, settings, functions.get(FunctionName.MONITOR_JOBS), failed);
        triggers(settings, functions, jobs, events, schedules, failed);
        SweepMetrics metrics = SweepMetrics.of(settings);
        Alarms alarms = new Alarms(this, new Alarms.Input(settings, functions, failed, ledger, metrics));
        OperationsDashboard dashboard = new OperationsDashboard(
                this, new OperationsDashboard.Input(settings, functions, failed, events, alarms, metrics));
        AirflowAccess airflow = new AirflowAccess(this, settings, functions, events);

        output("JobsBucket", "Where jars go, under " + JobsBucket.JARS, jobs.name());
        output("LedgerTable", "What is remembered of jobs", ledger.name());
        for (FunctionName name : FunctionName.values()) {
            output(
                    name.title() + "Function",
                    "The function %s, by its alias".formatted(name),
                    settings.stage().nameOf(name.text()) + ":" + SluicewayFunction.LIVE);
        }
        output(
                "FailedEventsQueue",
                "Where events end that came to nothing",
                failed.queue().getQueueUrl());
        output("AirflowQueue", "Where Airflow takes events from", events.queue().getQueueUrl());
        output("AirflowPolicy", "What Airflow's role needs: attach it", airflow.arn());
        output(
                "AirflowConnection",
                "The connection for an Airflow outside of AWS; MWAA has its role, and needs none",
                "AIRFLOW_CONN_AWS_DEFAULT='{\"conn_type\":\"aws\",\"extra\":{\"region_name\":\"%s\"}}'"
                        .formatted(getRegion()));
        output("Dashboard", "The dashboard in CloudWatch", dashboard.name());
        output(
                "TryIt",
                "Lists the jobs of a cluster",
                "aws lambda invoke --function-name %s:%s --cli-binary-format raw-in-base64-out --payload '{\"cluster\":\"%s\"}' /dev/stdout"
                        .formatted(
                                settings.stage().nameOf(FunctionName.LIST_JOBS.text()),
                                SluicewayFunction.LIVE,
                                settings.clusters().firstKey()));
    }

    private Functions functions(
            Input input, FailedEvents failed, JarAccess jars, LedgerTable ledger, EventBusToAirflow events) {
        Settings settings = input.settings();
        Code code = Code.fromAsset(
                Artifact.find(input.settings(), input.artifacts()).toString());
        StateAccess states = StateAccess.to(settings.clusters().values());
        ManagedFlinkAccess applications =
                ManagedFlinkAccess.to(settings.clusters().values());
        SortedMap<String, String> environment = new TreeMap<>(settings.environment());
        environment.put("SLUICEWAY_CLUSTERS", json(settings.clusters()));
        environment.put("SLUICEWAY_JAR_BUCKETS", String.join(",", jars.bucketNames()));
        return new Functions(name -> {
            SluicewayFunction function =
                    new SluicewayFunction(this, new SluicewayFunction.Input(name, settings, code, environment, failed));
            applications.grantTo(name, function);
            switch (name) {
                // What an upgrade or a rescaling starts is started by whoever observes it, too.
                case SUBMIT_JOB, UPGRADE_JOB, RESCALE_JOB, JOB_STATUS -> {
                    jars.grantTo(function);
                    ledger.grantTo(function);
                    states.grantTo(function);
                    events.grantTo(function);
                }
                case TAKE_SAVEPOINT, STOP_JOB -> {
                    ledger.grantTo(function);
                    states.grantTo(function);
                    events.grantTo(function);
                }
                case MONITOR_JOBS -> {
                    // Those of the jobs that it starts again or upgrades.
                    jars.grantTo(function);
                    ledger.grantTo(function);
                    ledger.grantSweepTo(function);
                    states.grantTo(function);
                    events.grantTo(function);
                    function.function()
                            .addEnvironment(
                                    SweepMetrics.VARIABLE,
                                    SweepMetrics.of(settings).namespace());
                }
                case LIST_JOBS -> ledger.grantLookUpTo(function);
                case LIST_EVENTS -> ledger.grantReadTo(function);
            }
            return function;
        });
    }

    private void triggers(
            Settings settings,
            Functions functions,
            JobsBucket jobs,
            EventBusToAirflow events,
            Schedules schedules,
            FailedEvents failed) {
        for (Triggers.Schedule schedule : settings.triggers().schedules()) {
            FunctionSchemas.COMMITTED.check(schedule.function(), schedule.event(), "the schedule " + schedule.name());
            new JobSchedule(schedules, new JobSchedule.Input(schedules, schedule, functions.get(schedule.function())));
        }
        for (Triggers.NewJar jar : settings.triggers().jars()) {
            FunctionSchemas.COMMITTED.check(jar.function(), JarTrigger.sample(jar), "the trigger by jar " + jar.name());
            new JarTrigger(this, new JarTrigger.Input(settings, jar, jobs, functions.get(jar.function()), failed));
        }
        for (Triggers.Event event : settings.triggers().events()) {
            EventBus bus = switch (event.bus()) {
                case DEFAULT -> null;
                case SLUICEWAY -> events.bus();
            };
            new EventTrigger(
                    this, new EventTrigger.Input(settings, event, bus, functions.get(event.function()), failed));
        }
    }

    /** {@return the bucket for the jobs' jars} */
    public JobsBucket jobs() {
        return jobs;
    }

    private static String json(SortedMap<String, Cluster> clusters) {
        try {
            return new JsonMapper()
                    .writerFor(new TypeReference<SortedMap<String, Cluster>>() {})
                    .writeValueAsString(clusters);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Clusters that were read from JSON can't be written as JSON", e);
        }
    }

    private void output(String id, String description, String value) {
        CfnOutput.Builder.create(this, id).description(description).value(value).build();
    }
}
