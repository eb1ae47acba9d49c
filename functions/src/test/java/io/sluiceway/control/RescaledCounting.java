package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluiceway.jar.JarReference;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobState;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.operation.Upgrade.AfterCommit;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.testing.CountedNumbers;
import io.sluiceway.testing.OnlyPolicy;
import io.sluiceway.testing.Silence;
import io.sluiceway.time.Deadline;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.junit.jupiter.api.TestInfo;

/** A job that counts, in state, on a real cluster, and is rescaled; its longest silence is its downtime. */
final class RescaledCounting {
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private final Ports ports;
    private final Jars jars;
    private final ClusterName cluster;
    private final JobName name;
    private final CountedNumbers numbers;
    private final String what;
    private int asked;

    /**
     * A job that isn't started yet.
     *
     * @param what the case that it stands for, for people
     */
    RescaledCounting(Ports ports, Jars jars, ClusterName cluster, Path directory, TestInfo test, String what) {
        this.ports = ports;
        this.jars = jars;
        this.cluster = cluster;
        this.what = what;
        this.name = new JobName(
                Objects.requireNonNull(test.getTestMethod().orElseThrow().getName())
                        .replaceAll("[^A-Za-z]", "")
                        .toLowerCase(Locale.ROOT));
        this.numbers = new CountedNumbers(directory.resolve(name + ".txt"));
    }

    JobName name() {
        return name;
    }

    Path file() {
        return numbers.file();
    }

    FlinkJobId start(JarReference jar, int parallelism, List<String> arguments, String settlingTime) {
        JobSpec spec = new JobSpec(
                name,
                JobKind.STREAM,
                cluster,
                jar,
                null,
                arguments,
                parallelism,
                new RestorePoint.Latest(false),
                OnUnknown.REFUSE,
                OnlyPolicy.of(HealthPolicy.of(settlingTime, null, null, null, null, null, null)));
        FlinkJobId id = new SubmitJob(ports, jars)
                .submit(new Request(new RequestId("start"), 1), spec, false, soon())
                .attempt()
                .id();
        numbers.awaitMore();
        // A cluster's word for it can come later than its numbers.
        await("the job is RUNNING")
                .atMost(PATIENCE)
                .until(() -> ports.clusters().named(cluster).listJobs(soon()).stream()
                        .anyMatch(job -> job.id().equals(id) && job.state() == JobState.RUNNING));
        return id;
    }

    /** Rescales the job, and waits until that has ended in some way. */
    Operation rescale(int parallelism, Duration judgeWithin, Ending expected) {
        try (Silence silence = new Silence(numbers.file())) {
            return rescale(parallelism, judgeWithin, expected, silence);
        }
    }

    private Operation rescale(int parallelism, Duration judgeWithin, Ending expected, Silence silence) {
        long begun = System.nanoTime();
        OperationId id = new RescaleJob(ports, jars)
                .rescale(
                        new Request(new RequestId("rescale/" + ++asked), 1),
                        cluster,
                        name,
                        null,
                        new RescaleJob.Terms(parallelism, AfterCommit.REFUSE, judgeWithin),
                        soon())
                .operation()
                .id();
        Operation done = await("the rescaling ends")
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .until(
                        () -> {
                            assertThat(living()).hasSizeLessThanOrEqualTo(1);
                            return new ObserveJob(ports)
                                    .observe(id, jars, soon())
                                    .operation();
                        },
                        operation -> operation.state().terminal());
        Ending ending = Objects.requireNonNull(done.upgrade()).ending();
        boolean inPlace = Objects.requireNonNull(done.rescale()).inPlace();
        System.out.printf(
                "%-44s %d to %d  %-10s %-11s down %s  in all %6.1f s%n",
                what,
                done.rescale().from(),
                parallelism,
                inPlace ? "in place" : "restarted",
                ending,
                silence.longest(),
                Duration.ofNanos(System.nanoTime() - begun).toMillis() / 1000.0);
        assertThat(ending).as(done.failure()).isEqualTo(expected);
        return done;
    }

    /** @param once whether no number may have been counted twice; each has the count that belongs to it anyway */
    void assertGoesOn(FlinkJobId by, boolean once) {
        assertThat(living()).containsExactly(by);
        numbers.awaitMore();
        assertThat(numbers.times().values()).allMatch(times -> !once || times == 1);
    }

    void end() {
        for (FlinkJobId id : living()) {
            new StopJob(ports)
                    .stop(
                            new Request(new RequestId("end/" + id), 1),
                            new Target(cluster, null, id),
                            null,
                            StopJob.Mode.CANCEL,
                            soon());
        }
        await("the job ends").atMost(PATIENCE).until(() -> living().isEmpty());
    }

    private List<FlinkJobId> living() {
        return ports.ledger().findJob(cluster, name, soon()).stream()
                .flatMap(_ -> ports.clusters().named(cluster).listJobs(soon()).stream())
                .filter(job -> !job.state().terminal())
                .map(JobOverview::id)
                .filter(id -> ports.ledger()
                        .findAttempt(cluster, id, soon())
                        .filter(attempt -> attempt.value().spec().name().equals(name))
                        .isPresent())
                .toList();
    }

    static Deadline soon() {
        return Deadline.in(Duration.ofSeconds(30), Clock.systemUTC());
    }
}
