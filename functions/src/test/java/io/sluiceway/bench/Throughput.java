package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.bench.RuntimeApi.Answered;
import io.sluiceway.testing.DynamoDbTable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** How many jobs a contender starts on one cluster in a minute, when as many callers as it has processes never wait. */
final class Throughput {
    /** More than the machine has processors: a function waits for the cluster most of its time. */
    private static final int PROCESSES = 4;

    private static final Duration LENGTH = Duration.ofMinutes(1);

    /**
     * What came of it.
     *
     * @param submissions how many jobs were started and answered for
     * @param perMinute those, by a minute
     */
    record Result(String contender, int processes, int submissions, double perMinute) {}

    private final BenchLab lab;
    private final Path home;

    Throughput(BenchLab lab, Path home) {
        this.lab = lab;
        this.home = home;
    }

    /** Submits for a minute; fails when a job began twice, or one of those that were answered for didn't begin. */
    Result measure(Contender contender) throws IOException, InterruptedException, ExecutionException {
        List<String> answered = new ArrayList<>();
        long begin = System.nanoTime();
        try (DynamoDbTable table = lab.table();
                ExecutorService callers = Executors.newFixedThreadPool(PROCESSES)) {
            List<Future<List<String>>> all = new ArrayList<>();
            for (int i = 0; i < PROCESSES; i++) {
                String prefix = "%s-%d-".formatted(contender.plainName(), i);
                all.add(callers.submit(() -> submit(contender, table, prefix)));
            }
            for (Future<List<String>> one : all) {
                answered.addAll(one.get());
            }
        }
        double minutes = (System.nanoTime() - begin) / 6e10;
        lab.awaitQuiet();
        String mine = contender.plainName() + "-\\d-\\d+";
        List<String> begun =
                lab.begun().stream().filter(name -> name.matches(mine)).toList();
        assertThat(begun).doesNotHaveDuplicates().containsAll(answered);
        return new Result(contender.name(), PROCESSES, answered.size(), answered.size() / minutes);
    }

    private List<String> submit(Contender contender, DynamoDbTable table, String prefix) {
        List<String> names = new ArrayList<>();
        long end = System.nanoTime() + LENGTH.toNanos();
        try (RuntimeApi process = new RuntimeApi(
                contender,
                Verb.SUBMIT.function(),
                lab.environment(table, lab.endpoints()),
                home.resolve(prefix + "throughput.log"))) {
            for (int i = 0; System.nanoTime() < end; i++) {
                String name = prefix + i;
                Answered answered = process.callWarm(BenchLab.run(name));
                assertThat(answered.error()).as(answered.body().toString()).isFalse();
                names.add(name);
            }
        }
        return names;
    }
}
