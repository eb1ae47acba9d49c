package io.sluiceway.infra;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.lambda.Code;
import software.constructs.Construct;

/** Sluiceway itself: the functions, the ledger's table and the bucket for the jobs' jars. */
public final class SluicewayStack extends Stack {

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
                "sluiceway-" + input.settings().stage().name(),
                StackProps.builder()
                        .description("Sluiceway: functions that submit, observe and checkpoint Flink jobs")
                        .build());
        Settings settings = input.settings();
        Code code = Code.fromAsset(artifact(input).toString());
        JobsBucket jobs = new JobsBucket(this, settings);
        JarAccess jars = JarAccess.to(this, jobs, settings.jarSources());
        LedgerTable ledger = new LedgerTable(this, settings);
        StateAccess states = StateAccess.to(settings.clusters().values());

        SortedMap<String, String> environment = new TreeMap<>(settings.environment());
        environment.put("SLUICEWAY_CLUSTERS", json(settings.clusters()));
        environment.put("SLUICEWAY_JAR_BUCKETS", String.join(",", jars.bucketNames()));
        Map<FunctionName, SluicewayFunction> functions = new EnumMap<>(FunctionName.class);
        for (FunctionName name : FunctionName.values()) {
            SluicewayFunction function =
                    new SluicewayFunction(this, new SluicewayFunction.Input(name, settings, code, environment));
            functions.put(name, function);
            switch (name) {
                case SUBMIT_JOB -> {
                    jars.grantTo(function);
                    ledger.grantTo(function);
                    states.grantTo(function);
                }
                case JOB_STATUS, TAKE_SAVEPOINT, STOP_JOB -> {
                    ledger.grantTo(function);
                    states.grantTo(function);
                }
                case LIST_JOBS -> {
                    // It talks to the cluster only.
                }
            }
        }
        tell(settings, jobs, ledger, functions);
    }

    private static Path artifact(Input input) {
        Path artifact = input.artifacts().resolve(input.settings().packaging().artifact());
        if (!Files.isRegularFile(artifact)) {
            throw new SettingsException("There is no %s, the artifact of packaging %s: build the functions first."
                    .formatted(artifact, input.settings().packaging()));
        }
        return artifact;
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

    /** What whoever deployed wants to know next. */
    private void tell(
            Settings settings, JobsBucket jobs, LedgerTable ledger, Map<FunctionName, SluicewayFunction> functions) {
        output("JobsBucket", "Where jars go, under " + JobsBucket.JARS, jobs.name());
        output("LedgerTable", "What is remembered of jobs", ledger.name());
        functions.forEach((name, function) -> output(
                name.title() + "Function",
                "The function " + name.text(),
                function.function().getFunctionName()));
        output(
                "TryIt",
                "Lists the jobs of a cluster",
                "aws lambda invoke --function-name %s --cli-binary-format raw-in-base64-out --payload '{\"cluster\":\"%s\"}' /dev/stdout"
                        .formatted(
                                settings.stage().nameOf(FunctionName.LIST_JOBS.text()),
                                settings.clusters().firstKey()));
    }

    private void output(String id, String description, String value) {
        CfnOutput.Builder.create(this, id).description(description).value(value).build();
    }
}
