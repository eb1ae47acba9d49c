package io.sluiceway.control.property;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.control.property.Violation.Promise;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobRef;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.Page;
import io.sluiceway.operation.TriggerId;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Shrinkable;

/** Whatever is called, repeated, lost, delayed, killed and replaced, in whatever order: the promises hold. */
class ProtocolPropertyTest {
    private static final long SEED = 20130105;
    private static final int MOST_SEQUENCES_UNTIL_BROKEN = 20_000;

    // The same sequences each time, lest a rare find fails an innocent change; a night's run goes without the seed.
    @Property(edgeCases = EdgeCasesMode.NONE, seed = "" + SEED)
    void anySequence_keepsEveryPromise(@ForAll("sequences") List<Step> steps) {
        run(steps, new World.Parts() {});
    }

    private static void run(List<Step> steps, World.Parts parts) {
        World world = new World(parts);
        try {
            steps.forEach(world::take);
            world.settle();
        } catch (Violation violation) {
            violation.tell(world.told());
            throw violation;
        }
    }

    /** Every promise rests on something: without it, a random sequence finds the promise broken. */
    @Example
    void ledgerWithoutConditions_breaksThePromises() {
        assertBroken(new World.Parts() {
            @Override
            public FakeJobLedger ledger() {
                FakeJobLedger careless = new FakeJobLedger();
                careless.ignoreVersions();
                return careless;
            }

            @Override
            public Set<Promise> promises() {
                return Set.of(Promise.ONE_LIVING_ATTEMPT_PER_STREAM);
            }
        });
    }

    @Example
    void flinkJobIdsDrawnRatherThanDerived_breakThePromises() {
        assertBroken(new World.Parts() {
            @Override
            public FakeFlinkCluster cluster(ClusterName name, Clock clock, FakeSavepointStore store) {
                return new DrawsJobIds(name, clock, store);
            }

            @Override
            public Set<Promise> promises() {
                return Set.of(Promise.ONE_RUN_PER_ATTEMPT);
            }
        });
    }

    @Example
    void triggerIdsDrawnRatherThanStored_breakThePromises() {
        assertBroken(new World.Parts() {
            @Override
            public FakeFlinkCluster cluster(ClusterName name, Clock clock, FakeSavepointStore store) {
                return new DrawsTriggerIds(name, clock, store);
            }

            @Override
            public Set<Promise> promises() {
                return Set.of(Promise.ONE_SAVEPOINT_PER_OPERATION);
            }
        });
    }

    @Example
    void sweepsThatFindNoPendingEvents_breakThePromises() {
        assertBroken(new World.Parts() {
            @Override
            public FakeJobLedger ledger() {
                return new HidesPendingEvents();
            }

            @Override
            public Set<Promise> promises() {
                return Set.of(Promise.EVENTS_ARE_PUBLISHED);
            }
        });
    }

    private static void assertBroken(World.Parts parts) {
        Violation found = null;
        Iterator<Shrinkable<List<Step>>> sequences =
                Sequences.steps().generator(MOST_SEQUENCES_UNTIL_BROKEN, false).stream(new Random(SEED))
                        .iterator();
        for (int i = 0; i < MOST_SEQUENCES_UNTIL_BROKEN && found == null; i++) {
            try {
                run(sequences.next().value(), parts);
            } catch (Violation violation) {
                found = violation;
            }
        }
        assertThat(found).isNotNull();
        assertThat(parts.promises()).containsExactly(found.promise());
    }

    /** Leaves the publication to whoever has recorded an event. */
    private static final class HidesPendingEvents extends FakeJobLedger {
        @Override
        public synchronized Page<JobEvent> pendingEvents(
                ClusterName cluster, int limit, String after, Deadline deadline) {
            return new Page<>(List.of(), null);
        }
    }

    /** Runs each submission as a job of its own, as Flink does when it isn't told an id. */
    private static final class DrawsJobIds extends FakeFlinkCluster {
        private final List<Run> asked = new ArrayList<>();
        private int drawn;

        DrawsJobIds(ClusterName name, Clock clock, FakeSavepointStore store) {
            super(name, 3, clock, store);
        }

        @Override
        public synchronized RunAnswer runJob(JobLaunch launch, Instant postUntil, Deadline deadline) {
            int before = super.runs().size();
            JobLaunch own = new JobLaunch(
                    new FlinkJobId("%032x".formatted(++drawn)),
                    launch.spec(),
                    launch.jar(),
                    launch.jarVersion(),
                    launch.restoreFrom());
            try {
                return super.runJob(own, postUntil, deadline);
            } finally {
                super.runs().stream()
                        .skip(before)
                        .forEach(run -> asked.add(new Run(launch, run.incarnation(), run.at())));
            }
        }

        @Override
        public List<Run> runs() {
            return List.copyOf(asked);
        }
    }

    /** Takes each trigger as a new one, as Flink does when it isn't told an id. */
    private static final class DrawsTriggerIds extends FakeFlinkCluster {
        private int drawn;

        DrawsTriggerIds(ClusterName name, Clock clock, FakeSavepointStore store) {
            super(name, 3, clock, store);
        }

        @Override
        public synchronized void triggerSavepoint(
                JobRef job, TriggerId trigger, StoragePath directory, Deadline deadline) {
            super.triggerSavepoint(job, draw(), directory, deadline);
        }

        @Override
        public synchronized void triggerStop(
                JobRef job, TriggerId trigger, StoragePath directory, boolean drain, Deadline deadline) {
            super.triggerStop(job, draw(), directory, drain, deadline);
        }

        private TriggerId draw() {
            return new TriggerId("%032x".formatted(++drawn));
        }
    }

    @Provide
    Arbitrary<List<Step>> sequences() {
        return Sequences.steps();
    }
}
