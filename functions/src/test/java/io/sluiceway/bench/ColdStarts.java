package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.management.OperatingSystemMXBean;
import io.sluiceway.bench.RuntimeApi.Answered;
import io.sluiceway.testing.DynamoDbTable;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.awaitility.core.ConditionTimeoutException;

/**
 * How long a function takes from the start of its process to its first answer, and what it holds then. All contenders
 * take turns in each round, so that what the machine does meanwhile meets all of them.
 */
final class ColdStarts {
    /**
     * One cold start.
     *
     * @param cluster {@code session}, {@code managed} or {@code none}
     * @param evicted whether the artifact's files had to be read from the disk
     * @param millis from the start of the process to its answer
     * @param ownMillis what of it neither Flink nor AWS took to answer
     * @param calls how often they were asked
     * @param megabytes what the process held behind its answer
     */
    record Sample(
            String contender,
            String cluster,
            Verb verb,
            boolean evicted,
            double millis,
            double ownMillis,
            int calls,
            double megabytes) {}

    /** The share of all processors above which the machine still has to do with what was before. */
    private static final double BUSY = 0.25;

    private static final Duration QUIET_PATIENCE = Duration.ofSeconds(10);
    private static final Duration QUIET_POLL = Duration.ofMillis(100);

    private final OperatingSystemMXBean machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private final BenchLab lab;
    private final Meters meters;
    private final Path home;
    private final PrintStream out;
    private final List<Sample> samples = new ArrayList<>();

    ColdStarts(BenchLab lab, Meters meters, Path home, PrintStream out) {
        this.lab = lab;
        this.meters = meters;
        this.home = home;
        this.out = out;
    }

    /**
     * Starts each contender's functions so often, each in a process of its own, and once before it counts: then the
     * cluster gets its first jar and everybody's own code is compiled.
     */
    List<Sample> measure(List<Contender> contenders, int rounds) throws IOException, InterruptedException {
        Random random = new Random(rounds);
        for (int round = 0; round <= rounds; round++) {
            List<Contender> turns = new ArrayList<>(contenders);
            Collections.shuffle(turns, random);
            for (Contender contender : turns) {
                takeTurn(contender, round, random.nextBoolean());
            }
            if (round == 0) {
                samples.clear();
                out.println("One round that doesn't count");
            } else {
                out.printf("Round %d of %d%n", round, rounds);
            }
        }
        return samples;
    }

    private void takeTurn(Contender contender, int round, boolean evictedFirst)
            throws IOException, InterruptedException {
        for (boolean evicted : List.of(evictedFirst, !evictedFirst)) {
            String name = "%s-%d%s".formatted(contender.plainName(), round, evicted ? "-disk" : "");
            if (contender.name().equals(Contenders.FLOOR)) {
                measure(contender, "none", Verb.SUBMIT, evicted, Map.of(), name);
                continue;
            }
            List<String> clusters =
                    contender.submitsAlone() ? List.of(BenchLab.SESSION) : List.of(BenchLab.SESSION, BenchLab.MANAGED);
            for (String cluster : clusters) {
                try (DynamoDbTable table = lab.table()) {
                    live(contender, cluster, evicted, name, lab.environment(table, meters.endpoints()));
                }
            }
        }
    }

    /** Submits a job, and, where the files needn't come from the disk, does to it what the other functions do. */
    private void live(
            Contender contender, String cluster, boolean evicted, String name, Map<String, String> environment)
            throws IOException, InterruptedException {
        measure(contender, cluster, Verb.SUBMIT, evicted, environment, name);
        if (!contender.submitsAlone() && !evicted) {
            lab.awaitRunning();
            for (Verb verb : List.of(Verb.STATUS, Verb.SAVEPOINT, Verb.SWEEP)) {
                measure(contender, cluster, verb, false, environment, name);
            }
        }
        lab.end(cluster, name);
    }

    private void measure(
            Contender contender,
            String cluster,
            Verb verb,
            boolean evicted,
            Map<String, String> environment,
            String name)
            throws IOException, InterruptedException {
        if (evicted) {
            evict(contender.files());
        }
        awaitQuiet();
        try (RuntimeApi process =
                new RuntimeApi(contender, verb.function(), environment, home.resolve(contender.plainName() + ".log"))) {
            meters.reset();
            Answered answered = process.call(verb.event(cluster, name));
            assertThat(answered.error())
                    .as("%s of %s: %s", verb, contender.name(), answered.body())
                    .isFalse();
            samples.add(new Sample(
                    contender.name(),
                    cluster,
                    verb,
                    evicted,
                    answered.millis(),
                    answered.millis() - meters.millis(),
                    meters.calls(),
                    process.residentMegabytes()));
        }
    }

    /** What a contender leaves to be done when it has ended isn't to meet the one behind it. */
    private void awaitQuiet() {
        try {
            await().atMost(QUIET_PATIENCE).pollInterval(QUIET_POLL).until(() -> machine.getCpuLoad() <= BUSY);
        } catch (ConditionTimeoutException busy) {
            out.println("The machine doesn't come to rest: something else runs on it.");
        }
    }

    /** Has the files of an artifact read from the disk when they are needed next. */
    private void evict(List<Path> files) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Contenders.python().toString(), "-c", """
                import ctypes, mmap, os, sys
                libc = ctypes.CDLL(None, use_errno=True)
                for name in sys.stdin.read().splitlines():
                    file = os.open(name, os.O_RDONLY)
                    os.fsync(file)
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                    size = os.fstat(file).st_size
                    if size:
                        view = mmap.mmap(file, size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
                        begin = ctypes.addressof(ctypes.c_char.from_buffer(view))
                        pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
                        if libc.mincore(ctypes.c_void_p(begin), ctypes.c_size_t(size), pages):
                            sys.exit(f"mincore: {os.strerror(ctypes.get_errno())}")
                        if left := sum(page & 1 for page in pages):
                            sys.exit(f"{left} of {len(pages)} pages of {name} stay in memory")
                    os.close(file)
                """)
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("evict.log").toFile())
                .start();
        try (var names = process.outputWriter()) {
            for (Path file : files) {
                names.write(file + "\n");
            }
        }
        assertThat(process.waitFor())
                .as(() -> "files that have to be read from the disk; see " + home.resolve("evict.log"))
                .isZero();
    }
}
