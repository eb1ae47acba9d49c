package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.Triggers;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import software.amazon.awscdk.services.events.EventField;
import software.amazon.awscdk.services.events.EventPattern;
import software.amazon.awscdk.services.events.Match;
import software.amazon.awscdk.services.events.Rule;
import software.amazon.awscdk.services.events.RuleTargetInput;
import software.constructs.Construct;

/**
 * Holds a JobSpec, and submits it with each new version of a jar below a prefix of the jobs bucket. A job that isn't
 * running is started. One that runs goes on as it is: {@code submit-job} refuses another jar for it, and the event ends
 * among the {@linkplain FailedEvents failed ones}, where somebody sees it.
 *
 * <p>The request id is made of bucket, key and version id: the same version is one request, however often S3 and
 * EventBridge tell of it.
 */
public final class JarTrigger extends Construct {
    private static final String BUCKET = "$.detail.bucket.name";
    private static final String KEY = "$.detail.object.key";
    private static final String VERSION = "$.detail.object.version-id";

    /**
     * What a trigger is made from.
     *
     * @param settings the deployment
     * @param trigger the prefix and the JobSpec
     * @param jobs the bucket
     * @param submitJob the function that submits
     * @param failed where calls go that couldn't be delivered
     */
    public record Input(
            Settings settings,
            Triggers.NewJar trigger,
            JobsBucket jobs,
            SluicewayFunction submitJob,
            FailedEvents failed) {}

    /** The event as it would be for some jar. */
    static Map<String, Object> sample(Triggers.NewJar trigger) {
        Map<String, Object> job = new TreeMap<>(trigger.job());
        job.put("jar", Map.of("uri", "s3://bucket/" + trigger.prefix() + "some.jar", "versionId", "1"));
        return Map.of("job", job);
    }

    /**
     * Makes the rule.
     *
     * @param scope the stack
     * @param input what to make it from
     */
    public JarTrigger(Construct scope, Input input) {
        super(scope, "jar-" + input.trigger().name());
        String place = EventField.fromPath(BUCKET) + "/" + EventField.fromPath(KEY);
        Map<String, Object> job = new TreeMap<>(input.trigger().job());
        // Sorted, so that the same settings always make the same template.
        job.put("jar", new TreeMap<>(Map.of("uri", "s3://" + place, "versionId", EventField.fromPath(VERSION))));
        Rule.Builder.create(this, "rule")
                .ruleName(input.settings().stage().nameOf(input.trigger().name()))
                .description("Submits a job with each new version of its jar")
                .eventPattern(EventPattern.builder()
                        .source(List.of("aws.s3"))
                        .detailType(List.of("Object Created"))
                        .detail(Map.of(
                                "bucket", Map.of("name", List.of(input.jobs().name())),
                                "object",
                                        Map.of(
                                                "key",
                                                Match.wildcard(input.trigger().prefix() + "*.jar"))))
                        .build())
                .targets(List.of(EventTrigger.target(
                        input.submitJob(),
                        input.failed(),
                        RuleTargetInput.fromObject(new TreeMap<>(Map.of(
                                "requestId", place + "/" + EventField.fromPath(VERSION), "try", 1, "job", job))))))
                .build();
    }
}
