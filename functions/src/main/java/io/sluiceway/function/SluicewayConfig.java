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

    /** The DynamoDB table of the ledger. */
    Optional<String> ledgerTable();

    /** How long the ledger keeps what nobody needs any more, as an ISO-8601 duration. */
    @WithDefault("P400D")
    Duration ledgerRetention();

    /** The EventBridge bus that events are published on, by its name or ARN; without it they are recorded only. */
    Optional<String> eventBus();

    /** How long events can be listed, as an ISO-8601 duration. */
    @WithDefault("P30D")
    Duration eventRetention();

    /** The namespace of CloudWatch that metrics are published in; none are without it. */
    Optional<String> metricsNamespace();

    /**
     * How far apart CloudWatch's values of Managed Flink's applications are, as an ISO-8601 duration: the service's own
     * are a minute, a double's can be less.
     */
    @WithDefault("PT1M")
    Duration metricsPeriod();

    /** Whether the functions see the clusters' {@code file:} directories, as they do on one machine. */
    @WithDefault("false")
    boolean sharesFileSystem();

    /** How long what is begun may stay unfinished, as ISO-8601 durations; see {@link io.sluiceway.control.Limits}. */
    Submission submission();

    /** The limits of what is unfinished. */
    interface Submission {
        /** How long nobody else goes on with a job that is being prepared. */
        @WithDefault("PT15S")
        Duration prepareWithin();

        /** How long after its intent is recorded a cluster may be asked to run a job. */
        @WithDefault("PT10S")
        Duration postWithin();

        /** How long after that somebody else may ask again: for clocks that differ, and for a program's main. */
        @WithDefault("PT30S")
        Duration settleAfter();

        /** When something that never came further is given up. */
        @WithDefault("PT15M")
        Duration giveUpAfter();
    }

    /**
     * How long one call may take, as an ISO-8601 duration; at least five seconds, and a few less than the Lambda
     * function's timeout.
     */
    @WithDefault("PT25S")
    Duration timeBudget();
}
