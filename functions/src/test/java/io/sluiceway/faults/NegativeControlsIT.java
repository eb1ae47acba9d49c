package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.faults.LambdaWorkers.Variant;
import io.sluiceway.testing.Processes;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A suite that stays green when what the promises rest on is switched off shows nothing. */
@Order(Integer.MAX_VALUE)
class NegativeControlsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    @TempDir
    static Path home;

    private static Lab lab;
    private static Campaign campaign;

    @BeforeAll
    static void start() {
        Path zip = Processes.root().resolve(System.getProperty("functions.zip", "functions/target/function-local.zip"));
        lab = new Lab(zip, home.resolve("lab"), new Lab.Options(Lab.Kind.SESSION, false));
        // The two that are to get into each other's way must be able to begin at the same time.
        lab.workers.warm(Variant.of("submit-job"), 2);
        lab.workers.warm(Variant.of("take-savepoint"), 2);
        campaign = new Campaign(
                lab, Product.of(zip, home.resolve("product")), home.resolve("faults.jsonl"), System.out, Instant.MAX);
    }

    @AfterAll
    static void stop() {
        campaign.close();
        lab.close();
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"NO_SNAPSHOT_NAME", "NO_RESTORE"})
    void safeguard_switchedOff_turnsTheSuiteRed(Sabotage sabotage) {
        sabotage.beginAt(lab.proxy);
        try {
            assertThat(campaign.tryOnce(sabotage.revealing(), 1, PATIENCE).violations())
                    .isNotEmpty();
        } finally {
            lab.proxy.stopTampering();
        }
    }
}
