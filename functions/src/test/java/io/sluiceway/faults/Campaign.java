package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.faults.FaultProxy.Seen;
import io.sluiceway.faults.FaultProxy.Trap;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Runs trials, several at a time, and keeps what came of each. */
final class Campaign implements AutoCloseable {
    private static final Duration SLOW_FOR = Duration.ofSeconds(20);
    private static final Duration REST_PATIENCE = Duration.ofSeconds(30);
    private static final Duration MIDWAY_PATIENCE = Duration.ofSeconds(30);

    /** How long after it was judged a trial is looked at again: what was held back anywhere has arrived by then. */
    private static final Duration SECOND_LOOK_AFTER = Duration.ofSeconds(8);

    private static final int SECOND_LOOK_PAUSE_MILLIS = 2000;
    private static final Set<Fault.Kind> FOR_A_WHILE = Set.of(Fault.Kind.PAUSE, Fault.Kind.FREEZE);

    /** A repeated look at an operation is like the one before. */
    private static final int LOOKS_THAT_DIFFER = 3;

    /** Within a step of an upgrade, a repeated look is like the one before; what changes something isn't. */
    private static final int READS_THAT_DIFFER = 2;

    private static final Pattern CHANGES =
            Pattern.compile("dynamodb (TransactWriteItems|PutItem|UpdateItem|DeleteItem)|flink (POST|PATCH|DELETE) .*"
                    + "|managed-flink (Create|Update|Start|Stop)Application(Snapshot)?");

    private static final int TOLD_EVERY = 50;

    /** A trial that waits for its second look. */
    private record Ended(Trial trial, Outcome outcome, Cell cell, Instant at) {}

    private final Lab lab;
    private final Product product;
    private final Path file;
    private final PrintStream out;
    private final Instant end;
    private final Endings endings = new Endings();
    private final String run = Long.toString(System.currentTimeMillis(), Character.MAX_RADIX);
    private final AtomicInteger numbers = new AtomicInteger();
    private final Queue<Ended> ended = new ConcurrentLinkedQueue<>();
    private final Map<String, Integer> executionsKnown = new ConcurrentHashMap<>();
    private final Queue<String> reports = new ConcurrentLinkedQueue<>();
    private final List<Outcome> told = new ArrayList<>();
    private final Thread secondLooks;
    private volatile boolean closing;

    /**
     * @param file where a line is added for each trial
     * @param out where progress is shown
     * @param end when no more trials are begun
     */
    Campaign(Lab lab, Product product, Path file, PrintStream out, Instant end) {
        this.lab = lab;
        this.product = product;
        this.file = file;
        this.out = out;
        this.end = end;
        this.secondLooks = Thread.startVirtualThread(this::lookAgainAndAgain);
    }

    /**
     * The calls that an undisturbed history makes, each with every fault that can happen to it.
     *
     * @param calls only those whose names match this pattern
     */
    List<Cell> enumerate(Collection<History> histories, String calls) {
        Set<Cell> cells = new LinkedHashSet<>();
        for (History history : histories) {
            Trial trial = new Trial(lab, nextId(), 0);
            history.run(trial);
            List<Violation> violations = settleAndJudge(trial);
            if (!violations.isEmpty()) {
                throw new IllegalStateException(history + " breaks promises undisturbed: " + violations);
            }
            Map<String, Integer> counts = new HashMap<>();
            for (Seen seen : trial.wire()) {
                String step = seen.trial().substring(trial.id.length() + 1);
                int nth = counts.merge(step + " " + seen.call(), 1, Integer::sum);
                boolean differs = history.upgrades()
                        ? nth <= READS_THAT_DIFFER
                                || CHANGES.matcher(seen.call()).matches()
                        : !step.equals("job-status") || nth <= LOOKS_THAT_DIFFER;
                for (Fault.Kind kind : Fault.Kind.values()) {
                    if (!step.equals("set-up")
                            && differs
                            && seen.call().matches(calls)
                            && kind.appliesTo(seen.call())) {
                        cells.add(new Cell(history, kind, step, seen.call(), nth));
                    }
                }
            }
            lab.cluster.end(trial.job);
            forget(trial, trial.evidence().table());
        }
        return List.copyOf(cells);
    }

    /**
     * Runs what hasn't been run yet of this product.
     *
     * @param perPair how many trials of each pair of fault and call
     * @param atOnce how many trials run at the same time
     */
    void run(Collection<Cell> cells, int perPair, int atOnce) {
        for (List<Plan.Entry> left = Plan.next(cells, outcomes(), perPair);
                !left.isEmpty() && Instant.now().isBefore(end);
                left = Plan.next(cells, outcomes(), perPair)) {
            play(left, atOnce);
            awaitSecondLooks();
        }
    }

    private void play(List<Plan.Entry> entries, int atOnce) {
        AtomicInteger number = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(atOnce)) {
            List<Future<?>> trials = new ArrayList<>();
            for (Plan.Entry entry : entries) {
                trials.add(threads.submit(() -> {
                    if (Instant.now().isBefore(end)) {
                        Outcome outcome = tryOnce(entry.cell(), entry.seed());
                        progress(outcome, number.incrementAndGet(), entries.size());
                    }
                }));
            }
            for (Future<?> trial : trials) {
                trial.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Restarts a process of the cluster, until so many trials have seen it. */
    void restart(Restart restart, int trials) {
        while (Instant.now().isBefore(end)) {
            String pair = restart.name();
            long seen = outcomes().stream()
                    .filter(o -> o.pair().equals(pair) && o.reached())
                    .count();
            if (seen >= trials) {
                return;
            }
            out.printf("%s: %d of %d trials%n", restart, seen, trials);
            int alike = trials - seen > restart.histories().size() ? restart.mostAlike() : 1;
            wave(restart, alike, System.nanoTime());
            lab.flink.awaitSlots();
            awaitSecondLooks();
        }
    }

    private void wave(Restart restart, int alike, long seed) {
        Random random = new Random(seed);
        List<Trial> trials = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> playing = new ArrayList<>();
            for (int i = 0; i < alike * restart.histories().size(); i++) {
                History history = restart.histories().get(i / alike);
                String name = restart + " " + history + " " + i;
                Trial trial = new Trial(lab, nextId(), random.nextLong());
                trials.add(trial);
                playing.add(threads.submit(() -> {
                    Instant start = Instant.now();
                    history.run(trial);
                    Instant over = Instant.now();
                    Cell cell = Cell.of(history);
                    boolean reached = trial.struck().filter(over::isAfter).isPresent();
                    settle(trial, cell, name, restart.name(), restart.name(), seed, reached, start, over);
                }));
            }
            if (restart.hasToRun()) {
                for (Trial trial : trials) {
                    trial.awaitMidway(MIDWAY_PATIENCE);
                }
            }
            Thread.sleep(restart.delay(random));
            Instant at = Instant.now();
            trials.forEach(trial -> trial.clusterStruck(at));
            restart.happen(lab);
            for (Future<?> trial : playing) {
                trial.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** What is known of this product and packaging. */
    List<Outcome> outcomes() {
        return Outcome.ofProduct(file, product);
    }

    Product product() {
        return product;
    }

    /** What this campaign has judged itself. */
    List<Outcome> judged() {
        synchronized (told) {
            return List.copyOf(told);
        }
    }

    /** One trial of a cell. */
    Outcome tryOnce(Cell cell, long seed) {
        return tryOnce(cell, new Trial(lab, nextId(), seed), seed);
    }

    /** One trial of a cell, by somebody who gives up after a while. */
    Outcome tryOnce(Cell cell, long seed, Duration patience) {
        Trial trial = new Trial(lab, nextId(), seed);
        trial.bePatientFor(patience);
        return tryOnce(cell, trial, seed);
    }

    private Outcome tryOnce(Cell cell, Trial trial, long seed) {
        Instant start = Instant.now();
        Trap trap = arm(trial, cell);
        cell.history().run(trial);
        Instant over = Instant.now();
        boolean reached = trap == null || lab.proxy.sprung(trap);
        return settle(trial, cell, cell.toString(), cell.row(), cell.pair(), seed, reached, start, over);
    }

    private Outcome settle(
            Trial trial,
            Cell cell,
            String name,
            String row,
            String pair,
            long seed,
            boolean reached,
            Instant start,
            Instant over) {
        Instant struck = trial.struck()
                .or(() -> trial.wire().stream()
                        .filter(seen -> seen.fault() != null)
                        .map(Seen::at)
                        .findFirst())
                .orElse(start);
        List<Violation> violations = settleAndJudge(trial);
        lab.cluster.end(trial.job);
        Instant now = Instant.now();
        Outcome outcome = new Outcome(
                now,
                product.commit(),
                product.hash(),
                product.packaging(),
                name,
                row,
                pair,
                seed,
                !violations.isEmpty() ? "VIOLATED" : reached ? "HELD" : "NOT_REACHED",
                violations,
                Duration.between(struck, over).toMillis(),
                Duration.between(start, now).toMillis());
        if (!violations.isEmpty()) {
            report(outcome, trial);
        }
        ended.add(new Ended(trial, outcome, cell, now));
        return outcome;
    }

    private @Nullable Trap arm(Trial trial, Cell cell) {
        if (cell.fault() == null) {
            return null;
        }
        Duration duration = Duration.ZERO;
        if (cell.fault() == Fault.Kind.SLOW) {
            duration = SLOW_FOR;
        } else if (FOR_A_WHILE.contains(cell.fault())) {
            // Shorter and longer than the time in which a poster may ask, and than that in which nobody else does.
            duration = Lab.POST_WITHIN
                    .plus(Lab.SETTLE_AFTER)
                    .multipliedBy(trial.random.nextInt(1, 16))
                    .dividedBy(10);
        }
        Trap trap =
                new Trap(trial.label(cell.step()), null, cell.call(), cell.nth(), new Fault(cell.fault(), duration));
        lab.proxy.arm(trap);
        return trap;
    }

    private List<Violation> settleAndJudge(Trial trial) {
        Instant giveUp = Instant.now().plus(REST_PATIENCE);
        while ((lab.proxy.underWay(trial.id + ":") || !lab.cluster.isAtRest(trial.job))
                && Instant.now().isBefore(giveUp)) {
            Trial.pause();
        }
        return judge(trial);
    }

    private List<Violation> judge(Trial trial) {
        Evidence evidence = trial.evidence();
        List<Violation> violations = new ArrayList<>(Judge.judge(evidence));
        violations.addAll(endings.look(evidence.table(), trial.job));
        return violations;
    }

    /** Leaves no record of a trial behind. */
    private void forget(Trial trial, LedgerView.Table table) {
        try {
            executionsKnown.put(trial.job, trial.executions().size());
            lab.ledgerView.remove(table.about(trial.job));
            lab.proxy.forget(trial.id + ":");
            lab.cluster.forget(trial.job);
            Files.deleteIfExists(lab.numbersOf(trial.job));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void lookAgainAndAgain() {
        while (!closing) {
            Trial.pause(SECOND_LOOK_PAUSE_MILLIS);
            try {
                for (Ended next = ended.peek();
                        next != null && next.at().plus(SECOND_LOOK_AFTER).isBefore(Instant.now());
                        next = ended.peek()) {
                    lookAgain(next);
                    ended.remove();
                }
            } catch (RuntimeException e) {
                out.println("A second look failed: " + e);
            }
        }
    }

    private void lookAgain(Ended next) {
        Trial trial = next.trial();
        Evidence evidence = trial.evidence();
        Set<Violation> violations = new LinkedHashSet<>(next.outcome().violations());
        if (violations.isEmpty()) {
            violations.addAll(Judge.judge(evidence));
            violations.addAll(endings.look(evidence.table(), trial.job));
        }
        Outcome outcome = next.outcome().with(List.copyOf(violations));
        if (outcome.violated() && !next.outcome().violated()) {
            report(outcome, trial);
        }
        write(outcome);
        forget(trial, evidence.table());
    }

    private void write(Outcome outcome) {
        synchronized (told) {
            told.add(outcome);
            outcome.appendTo(file);
        }
    }

    /** Waits until every trial has been looked at twice. */
    void awaitSecondLooks() {
        while (!ended.isEmpty() && secondLooks.isAlive()) {
            Trial.pause();
        }
    }

    /** Looks for what came when nobody waited for it any more. */
    List<Violation> sweep() {
        awaitSecondLooks();
        List<Violation> violations = new ArrayList<>();
        Map<String, Integer> found = new HashMap<>();
        lab.flinkView.executions().forEach(execution -> found.merge(execution.name(), 1, Integer::sum));
        found.forEach((job, executions) -> {
            if (!job.equals(Lab.SHARING) && executions > executionsKnown.getOrDefault(job, 0)) {
                violations.add(new Violation(
                        "ONE_JOB",
                        "of %s there were %d executions when its trial ended, and %d at the end of all"
                                .formatted(job, executionsKnown.getOrDefault(job, 0), executions)));
            }
        });
        if (!violations.isEmpty()) {
            write(new Outcome(
                    Instant.now(),
                    product.commit(),
                    product.hash(),
                    product.packaging(),
                    "SWEEP",
                    "SWEEP",
                    "SWEEP",
                    System.nanoTime(),
                    "VIOLATED",
                    violations,
                    0,
                    0));
        }
        return violations;
    }

    private void report(Outcome outcome, Trial trial) {
        StringBuilder text =
                new StringBuilder("%s, seed %d, trial %s%n".formatted(outcome.cell(), outcome.seed(), trial.id));
        outcome.violations()
                .forEach(violation -> text.append("  %s: %s%n".formatted(violation.rule(), violation.what())));
        text.append("  Calls:\n");
        trial.calls().forEach(call -> text.append("    ").append(call).append('\n'));
        text.append("  On the wire:\n");
        trial.wire()
                .forEach(seen -> text.append("    %s %s %s %d %s %d %d ms%n"
                        .formatted(
                                seen.at(),
                                seen.caller(),
                                seen.call(),
                                seen.nth(),
                                seen.fault() == null ? "" : seen.fault(),
                                seen.status(),
                                seen.millis())));
        text.append("  What ran:\n");
        trial.executions().forEach(e -> text.append("    ").append(e).append('\n'));
        text.append("  In the table:\n");
        trial.evidence()
                .table()
                .about(trial.job)
                .forEach(item -> text.append("    ").append(item).append('\n'));
        reports.add(text.toString());
        try {
            Files.writeString(file.resolveSibling(file.getFileName() + "." + trial.id + ".txt"), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Fails when a trial broke a promise, and tells what is to be known of each that did. */
    void assertNothingViolated() {
        assertThat(judged())
                .filteredOn(Outcome::violated)
                .as(() -> String.join("\n", reports))
                .isEmpty();
    }

    private String nextId() {
        return "t%s-%05d".formatted(run, numbers.incrementAndGet());
    }

    private void progress(Outcome outcome, int number, int all) {
        if (outcome.violated() || number % TOLD_EVERY == 0 || number == all) {
            out.printf(
                    "%s %d of %d: %s %s%s%n",
                    Instant.now().toString().substring(11, 19),
                    number,
                    all,
                    outcome.end(),
                    outcome.cell(),
                    outcome.violations().isEmpty() ? "" : " " + outcome.violations());
        }
    }

    @Override
    public void close() {
        awaitSecondLooks();
        closing = true;
    }
}
