package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.testing.Processes;
import java.nio.file.Path;
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
 * A small campaign: each kind of fault in each verb, each history that brings its trouble along, and each kind of
 * restart without high availability. {@code -Dfaults.seed} picks the places; {@code make faults} tries all of them.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(Integer.MAX_VALUE)
class FaultSuiteIT {
    private static final long SEED = Long.getLong("faults.seed", 1);
    private static final int AT_ONCE = 8;
    private static final int SPARES = 2;

    @TempDir
    static Path home;

    private static Lab lab;
    private static Campaign campaign;

    @BeforeAll
    static void start() {
        System.out.println("The fault suite picks its places by -Dfaults.seed=" + SEED);
        Path zip = Processes.root().resolve(System.getProperty("functions.zip", "functions/target/function-local.zip"));
        lab = new Lab(zip, home.resolve("lab"), new Lab.Options(Lab.Kind.SESSION, false));
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
    void eachFault_inEachVerb_breaksNoPromise() {
        List<Cell> all = new ArrayList<>(campaign.enumerate(
                List.of(
                        History.SUBMIT,
                        History.ADOPT,
                        History.UPGRADE,
                        History.SAVEPOINT,
                        History.STOP,
                        History.CANCEL),
                ".*"));
        Collections.shuffle(all, new Random(SEED));
        Set<String> seen = new HashSet<>();
        List<Cell> picked = new ArrayList<>();
        for (Cell cell : all) {
            if (seen.add(cell.fault() + " " + cell.step())) {
                picked.add(cell);
            }
        }
        // Where most is at stake, whatever the seed.
        for (Fault.Kind kind : List.of(Fault.Kind.KILL_BEFORE, Fault.Kind.KILL_AFTER, Fault.Kind.LOSE_ANSWER)) {
            picked.add(new Cell(History.SUBMIT, kind, "submit-job", "flink POST /jars/:jarid/run", 1));
            picked.add(new Cell(History.SAVEPOINT, kind, "take-savepoint", "flink POST /jobs/:jobid/savepoints", 1));
            picked.add(new Cell(History.STOP, kind, "stop-job", "flink POST /jobs/:jobid/stop", 1));
            // The intent of an upgrade, the start of its new version, its end, and the old version's return.
            picked.add(new Cell(History.UPGRADE_JOB, kind, "upgrade-job", "dynamodb TransactWriteItems", 1));
            picked.add(new Cell(History.UPGRADE_JOB, kind, "job-status@stopping", "flink POST /jars/:jarid/run", 1));
            picked.add(new Cell(
                    History.UPGRADE_JOB_SWEPT, kind, "monitor-jobs@judging", "dynamodb TransactWriteItems", 1));
            picked.add(new Cell(
                    History.UPGRADE_JOB_CRASHING, kind, "job-status@withdrawing", "flink POST /jars/:jarid/run", 1));
        }
        History.onTheirOwn().forEach(history -> picked.add(Cell.of(history)));
        History.upgradesOnTheirOwn().forEach(history -> picked.add(Cell.of(history)));
        campaign.run(picked, 1, AT_ONCE);
        campaign.awaitSecondLooks();
        System.out.println(new Report(campaign.judged(), campaign.product()).text());
        campaign.assertNothingViolated();
        assertThat(campaign.judged()).filteredOn(Outcome::reached).hasSizeGreaterThan(picked.size() * 3 / 4);
    }

    @Test
    @Order(2)
    void processesOfTheCluster_restarted_breakNoPromise() {
        for (Restart restart : List.of(Restart.TASKMANAGER_KILLED_DURING_SAVEPOINT, Restart.JOBMANAGER_RESTART)) {
            campaign.restart(restart, 1);
        }
        campaign.awaitSecondLooks();
        campaign.assertNothingViolated();
    }

    @Test
    @Order(3)
    void lateJobs_behindAllTrials_areNone() {
        assertThat(campaign.sweep()).isEmpty();
    }
}
