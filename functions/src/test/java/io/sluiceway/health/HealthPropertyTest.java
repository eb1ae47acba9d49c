package io.sluiceway.health;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.health.Health.State;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus;
import io.sluiceway.job.JobStatus.Checkpoints;
import io.sluiceway.job.JobStatus.CompletedCheckpoint;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Observation;
import io.sluiceway.job.Observation.NothingYet;
import io.sluiceway.job.Vitals;
import io.sluiceway.job.Vitals.Checkpointing;
import io.sluiceway.job.Vitals.Flow;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/** A job lives, second by second, and is looked at throughout: held against all that happened, not against one look. */
class HealthPropertyTest {
    private static final long SEED = 20130105;
    private static final Instant START = Instant.parse("2013-01-05T10:00:00Z");

    /** What happens to the job some seconds after what happened before. */
    record Step(int seconds, What what) {}

    enum What {
        FAILS,
        STARTS_AGAIN,
        COMPLETES_A_CHECKPOINT,
        FAILS_TO_COMPLETE_A_CHECKPOINT,
        NOTHING
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE, seed = "" + SEED)
    void anyLife_isStableWhenItSettledAndSaysNothingElseThen(
            @ForAll("lives") List<Step> steps, @ForAll("policies") HealthPolicy policy) {
        Life life = new Life();
        for (Step step : steps) {
            for (int second = 0; second < step.seconds(); second++) {
                life.now = life.now.plusSeconds(1);
                life.check(policy);
            }
            life.happens(step.what());
            life.check(policy);
        }
    }

    @Provide
    static Arbitrary<List<Step>> lives() {
        return Combinators.combine(
                        Arbitraries.frequencyOf(
                                Tuple.of(5, Arbitraries.integers().between(0, 5)),
                                Tuple.of(1, Arbitraries.integers().between(0, 60))),
                        Arbitraries.of(What.class))
                .as(Step::new)
                .list()
                .ofMaxSize(60);
    }

    @Provide
    static Arbitrary<HealthPolicy> policies() {
        Arbitrary<Duration> times = Arbitraries.integers().between(1, 40).map(Duration::ofSeconds);
        Arbitrary<Integer> counts = Arbitraries.integers().between(1, 9);
        return Combinators.combine(times, counts, times, counts, times)
                .as((settling, restarts, window, failed, age) ->
                        new HealthPolicy(settling, restarts, window, failed, age, null, null));
    }

    /** All that happened to a job, and what a cluster shows of it. */
    private static final class Life {
        private Instant now = START;
        private Instant runningSince = START;
        private Instant completed;
        private long completedInThisRun;
        private boolean running = true;
        private int failedInARow;
        private final List<Instant> failures = new ArrayList<>();

        void happens(What what) {
            switch (what) {
                case FAILS -> {
                    if (running) {
                        running = false;
                        failures.addFirst(now);
                    }
                }
                case STARTS_AGAIN -> {
                    if (!running) {
                        running = true;
                        runningSince = now;
                        completedInThisRun = 0;
                    }
                }
                case COMPLETES_A_CHECKPOINT -> {
                    // It takes some time.
                    if (running && now.isAfter(runningSince)) {
                        completed = now;
                        completedInThisRun++;
                        failedInARow = 0;
                    }
                }
                case FAILS_TO_COMPLETE_A_CHECKPOINT -> failedInARow += running ? 1 : 0;
                case NOTHING -> {}
            }
        }

        void check(HealthPolicy policy) {
            Optional<Health> health = Health.of(status(), policy);
            boolean settled =
                    running && !runningSince.plus(policy.settlingTime()).isAfter(now) && completedInThisRun > 0;
            boolean saves = failedInARow < policy.failedCheckpoints()
                    && completed != null
                    && !completed.plus(policy.checkpointAge()).isBefore(now);
            long lately = failures.stream()
                    .filter(at -> at.isAfter(now.minus(policy.restartWindow())))
                    .count();

            assertThat(health).isPresent();
            assertThat(health.get().state() == State.STABLE).isEqualTo(settled && saves);
            assertThat(health.get().reasons().isEmpty()).isEqualTo(health.get().state() == State.STABLE);
            if (!running && lately >= policy.restarts()) {
                assertThat(health.get().state()).isEqualTo(State.UNHEALTHY);
            }
        }

        private JobStatus status() {
            return new JobStatus(
                    new JobOverview(
                            new FlinkJobId("0123456789abcdef0123456789abcdef"),
                            "delays",
                            running ? JobState.RUNNING : JobState.RESTARTING,
                            START,
                            null,
                            new TreeMap<>()),
                    Observation.now((long) failures.size()),
                    new Checkpoints(
                            new NothingYet<>(),
                            new NothingYet<>(),
                            Observation.now(completed == null ? null : new CompletedCheckpoint(1, completed, null))),
                    new NothingYet<>(),
                    null,
                    Observation.now(new Vitals(
                            now,
                            Observation.now(running ? runningSince : null),
                            Observation.now(failures.stream().limit(16).toList()),
                            new Checkpointing.Seen(Duration.ofSeconds(1), Math.min(9, failedInARow), null, false),
                            Flow.notObservable("Nobody asked."))));
        }
    }
}
