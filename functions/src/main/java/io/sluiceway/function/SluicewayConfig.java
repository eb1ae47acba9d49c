package io.sluiceway.function;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** The settings of a function, each also an environment variable ({@code SLUICEWAY_CLUSTERS} and so on). */
@ConfigMapping(prefix = "sluiceway")
interface SluicewayConfig {
    /** The clusters by name, as a JSON object; {@code schemas/clusters.settings.json} describes it. */
    Optional<String> clusters();

    /** The buckets that jars may come from, separated by commas. */
    Optional<Set<String>> jarBuckets();

    /**
     * How long one call may take, as an ISO-8601 duration; at least five seconds, and a few less than the Lambda
     * function's timeout.
     */
    @WithDefault("PT25S")
    Duration timeBudget();
}
