package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.Processes;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * A small campaign on Managed Flink's double: each kind of fault in each verb at one of its calls of the service, and
 * the faults at which most is at stake at each call that changes something, those of upgrades among them.
 * {@code -Dfaults.seed} picks the places; {@code make faults CLUSTER=managed} tries all of them.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(Integer.MAX_VALUE)
class ManagedFaultSuiteIT {
    private static final long SEED = Long.getLong("faults.seed", 1);
    private static final int AT_ONCE = 8;
    private static final int SPARES = 2;
    private static final Set<Fault.Kind> MOST_AT_STAKE =
            Set.of(Fault.Kind.KILL_BEFORE, Fault.Kind.KILL_AFTER, Fault.Kind.LOSE_ANSWER, Fault.Kind.IN_USE);
    private static final String CHANGES = "managed-flink (Create|Update|Start|Stop)Application(Snapshot)?";

    @TempDir
    static Path home;

    private static Lab lab;
    private static Campaign campaign;

    @BeforeAll
    static void start() {
        System.out.println("The fault suite on Managed Flink picks its places by -Dfaults.seed=" + SEED);
        Path zip = Processes.root().resolve(System.getProperty("functions.zip", "functions/target/function-local.zip"));
        lab = new Lab(zip, home.resolve("lab"), new Lab.Options(Lab.Kind.MANAGED, false));
        lab.warm(SPARES);
        lab.warmForUpgrades(SPARES);
        campaign = new Campaign(
                lab, Product.of(zip, home.resolve("product")), home.resolve("faults.jsonl"), System.out, Instant.MAX);
    }

    @AfterAll
    static void stop() {
        campaign.close();
        lab.close();
    }

    @Test
    @Order(1)
    void eachFault_atTheServicesCalls_breaksNoPromise() {
        List<Cell> picked = pick(campaign.enumerate(
                List.of(History.SUBMIT, History.UPGRADE, History.SAVEPOINT, History.CANCEL), lab.cluster.calls()));
        campaign.run(picked, 1, AT_ONCE);
        campaign.awaitSecondLooks();
        System.out.println(new Report(campaign.judged(), campaign.product()).text());
        campaign.assertNothingViolated();
        assertThat(campaign.judged()).filteredOn(Outcome::reached).hasSizeGreaterThan(picked.size() * 3 / 4);
    }

    @Test
    @Order(2)
    void lateJobs_behindAllTrials_areNone() {
        assertThat(campaign.sweep()).isEmpty();
    }

    @Test
    @Order(3)
    void snapshotNames_drawnAnewForEachRequest_turnTheSuiteRed() {
        assertThat(brokenBy(Sabotage.NO_SNAPSHOT_NAME)).contains("EVERY_SAVEPOINT_RECORDED");
    }

    @Test
    @Order(4)
    void snapshotsOfUpgrades_notRestored_turnTheSuiteRed() {
        assertThat(brokenBy(Sabotage.NO_RESTORE)).contains("STATE_IS_KEPT", "COUNTED_ONCE");
    }

    private static List<String> brokenBy(Sabotage sabotage) {
        sabotage.beginAt(lab.proxy);
        try {
            return campaign.tryOnce(sabotage.revealing(), 1, Duration.ofSeconds(15)).violations().stream()
                    .map(Violation::rule)
                    .toList();
        } finally {
            lab.proxy.stopTampering();
        }
    }

    private static List<Cell> pick(List<Cell> cells) {
        List<Cell> all = new ArrayList<>(cells);
        Collections.shuffle(all, new Random(SEED));
        Set<String> seen = new HashSet<>();
        List<Cell> picked = new ArrayList<>();
        for (Cell cell : all) {
            boolean first = seen.add(cell.fault() + " " + cell.step());
            boolean change = cell.call().matches(CHANGES) && MOST_AT_STAKE.contains(cell.fault());
            if ((change && seen.add(cell.pair())) || first) {
                picked.add(cell);
            }
        }
        for (Fault.Kind kind : MOST_AT_STAKE) {
            // The stop of the old version, the mark and the start of the new one, and the old version's return.
            picked.add(new Cell(History.UPGRADE_JOB, kind, "upgrade-job", lab.cluster.stopCall(), 1));
            for (String call : List.of("managed-flink UpdateApplication", "managed-flink StartApplication")) {
                picked.add(new Cell(History.UPGRADE_JOB_SWEPT, kind, "monitor-jobs@stopping", call, 1));
                picked.add(new Cell(History.UPGRADE_JOB_CRASHING, kind, "job-status@judging", call, 1));
            }
        }
        for (Fault.Kind kind : List.of(Fault.Kind.LOSE_ANSWER, Fault.Kind.UNAVAILABLE_503)) {
            picked.add(new Cell(History.UPGRADE_JOB, kind, "job-status@judging", "cloudwatch GetMetricData", 1));
        }
        History.onEveryCluster().forEach(history -> picked.add(Cell.of(history)));
        History.upgradesOnTheirOwn().forEach(history -> picked.add(Cell.of(history)));
        return picked;
    }
}
