package io.sluiceway.infra;

import io.sluiceway.infra.settings.FunctionName;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.Triggers;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import software.amazon.awscdk.services.events.EventField;
import software.amazon.awscdk.services.events.EventPattern;
import software.amazon.awscdk.services.events.Match;
import software.amazon.awscdk.services.events.Rule;
import software.amazon.awscdk.services.events.RuleTargetInput;
import software.constructs.Construct;

/**
 * Holds a JobSpec, and calls {@code submit-job} or {@code upgrade-job} with it and each new version of a jar below a
 * prefix of the jobs bucket. The first starts a job that isn't running, the second has the version take over from the
 * one that runs. The other way round the function refuses, and the event ends among the {@linkplain FailedEvents failed
 * ones}, where somebody sees it.
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
     * @param function the function that the trigger names
     * @param failed where calls go that couldn't be delivered
     */
    public record Input(
            Settings settings,
            Triggers.NewJar trigger,
            JobsBucket jobs,
            SluicewayFunction function,
            FailedEvents failed) {}

    /** The event as it would be for some jar. */
    static Map<String, Object> sample(Triggers.NewJar trigger) {
        return event(trigger, Map.of("uri", "s3://bucket/" + trigger.prefix() + "some.jar", "versionId", "1"));
    }

    /** Sorted, so that the same settings always make the same template. */
    private static SortedMap<String, Object> event(Triggers.NewJar trigger, Map<String, Object> jar) {
        Map<String, Object> job = new TreeMap<>(trigger.job());
        job.put("jar", new TreeMap<>(jar));
        SortedMap<String, Object> event = trigger.event();
        event.put("job", job);
        return event;
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
        String version = EventField.fromPath(VERSION);
        SortedMap<String, Object> event = event(input.trigger(), Map.of("uri", "s3://" + place, "versionId", version));
        event.put("requestId", place + "/" + version);
        event.put("try", 1);
        Rule.Builder.create(this, "rule")
                .ruleName(input.settings().stage().nameOf(input.trigger().name()))
                .description(
                        input.trigger().function() == FunctionName.UPGRADE_JOB
                                ? "Upgrades a job to each new version of its jar"
                                : "Submits a job with each new version of its jar")
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
                .targets(List.of(
                        EventTrigger.target(input.function(), input.failed(), RuleTargetInput.fromObject(event))))
                .build();
    }
}
