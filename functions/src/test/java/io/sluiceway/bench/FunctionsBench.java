package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.SequencedSet;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the functions cost beside what a team would use instead: how long they take from the start of a process to its
 * first answer and what they hold then, what they add to a warm call, and how many jobs they start in a minute.
 * {@code make bench} runs it; {@code bench/plot.py} makes pages of the samples that it writes.
 */
class FunctionsBench {
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 50);

    /** Warm calls for each cold start: they take a fraction of the time. */
    private static final int CALLS_A_ROUND = 4;

    private final PrintStream out = System.out;

    @TempDir
    private Path home;

    @Test
    void functions_andWhatCouldTakeTheirPlace_areMeasuredByTurns() throws Exception {
        BenchFile file = new BenchFile("local/run/bench.json");
        List<Contender> contenders = Contenders.find(home, out);
        assertThat(contenders).isNotEmpty();
        try (BenchLab lab = new BenchLab(home)) {
            List<ColdStarts.Sample> cold = new ColdStarts(lab, home, out).measure(contenders, ROUNDS);
            List<WarmCalls.Sample> warm = new WarmCalls(lab, home).measure(contenders, ROUNDS * CALLS_A_ROUND);
            List<Throughput.Result> throughput = new ArrayList<>();
            for (Contender contender : contenders) {
                if (contender.name().equals(Contenders.NATIVE)) {
                    throughput.add(new Throughput(lab, home).measure(contender));
                }
            }
            write(file, contenders, cold, warm, throughput);
            printCold(cold);
            printWarm(warm);
            throughput.forEach(result -> out.printf(
                    Locale.ROOT,
                    "%n%s: %d jobs started by %d processes, %.0f a minute, none twice%n",
                    result.contender(),
                    result.submissions(),
                    result.processes(),
                    result.perMinute()));
        }
    }

    private void write(
            BenchFile file,
            List<Contender> contenders,
            List<ColdStarts.Sample> cold,
            List<WarmCalls.Sample> warm,
            List<Throughput.Result> throughput)
            throws IOException {
        ObjectNode json = file.content().put("rounds", ROUNDS);
        ObjectNode artifacts = json.putObject("artifacts");
        contenders.forEach(contender -> artifacts.put(contender.name(), contender.zipped()));
        ArrayNode samples = json.putArray("samples");
        cold.forEach(sample -> samples.addObject()
                .put("contender", sample.contender())
                .put("cluster", sample.cluster())
                .put("verb", sample.verb().function())
                .put("evicted", sample.evicted())
                .put("millis", sample.millis())
                .put("megabytes", sample.megabytes()));
        ArrayNode calls = json.putArray("warm");
        warm.forEach(sample -> calls.addObject()
                .put("contender", sample.contender())
                .put("verb", sample.verb().function())
                .put("millis", sample.millis())
                .put("ownMillis", sample.ownMillis())
                .put("calls", sample.calls()));
        ArrayNode started = json.putArray("throughput");
        throughput.forEach(result -> started.addObject()
                .put("contender", result.contender())
                .put("processes", result.processes())
                .put("submissions", result.submissions())
                .put("perMinute", result.perMinute()));
        out.println("All samples are in " + file.write());
    }

    /** Ratios are of one run: to the Python function where there is one, and to the floor. */
    private void printCold(List<ColdStarts.Sample> samples) {
        out.printf(
                "%n%-15s %-8s %-8s %-10s %4s %9s %9s %9s %8s %8s %7s%n",
                "cold start",
                "cluster",
                "files",
                "contender",
                "n",
                "p50 ms",
                "p90 ms",
                "p99 ms",
                "/ python",
                "/ floor",
                "MB");
        for (List<ColdStarts.Sample> group : groups(
                samples, sample -> List.of(sample.verb(), sample.cluster(), sample.evicted(), sample.contender()))) {
            ColdStarts.Sample first = group.getFirst();
            double p50 = quantile(group, ColdStarts.Sample::millis, 0.5);
            out.printf(
                    Locale.ROOT,
                    "%-15s %-8s %-8s %-10s %4d %9.1f %9.1f %9.1f %8s %8s %7.1f%n",
                    first.verb().function(),
                    first.cluster(),
                    first.evicted() ? "on disk" : "cached",
                    first.contender(),
                    group.size(),
                    p50,
                    quantile(group, ColdStarts.Sample::millis, 0.9),
                    quantile(group, ColdStarts.Sample::millis, 0.99),
                    ratio(p50, samples, Contenders.PYTHON, first),
                    ratio(p50, samples, Contenders.FLOOR, first),
                    quantile(group, ColdStarts.Sample::megabytes, 0.5));
        }
    }

    private static String ratio(double p50, List<ColdStarts.Sample> samples, String to, ColdStarts.Sample like) {
        List<ColdStarts.Sample> others = samples.stream()
                .filter(sample -> sample.contender().equals(to)
                        && sample.evicted() == like.evicted()
                        && (to.equals(Contenders.FLOOR) || sample.cluster().equals(like.cluster())))
                .toList();
        return others.isEmpty() || like.verb() != Verb.SUBMIT
                ? "-"
                : "%.3f".formatted(p50 / quantile(others, ColdStarts.Sample::millis, 0.5));
    }

    private void printWarm(List<WarmCalls.Sample> samples) {
        out.printf(
                "%n%-15s %-10s %5s %6s %9s %9s %9s %9s%n",
                "warm call", "contender", "n", "calls", "all p50", "own p50", "own p90", "own p99");
        for (List<WarmCalls.Sample> group : groups(samples, sample -> List.of(sample.verb(), sample.contender()))) {
            WarmCalls.Sample first = group.getFirst();
            out.printf(
                    Locale.ROOT,
                    "%-15s %-10s %5d %6.0f %9.2f %9.2f %9.2f %9.2f%n",
                    first.verb().function(),
                    first.contender(),
                    group.size(),
                    quantile(group, WarmCalls.Sample::calls, 0.5),
                    quantile(group, WarmCalls.Sample::millis, 0.5),
                    quantile(group, WarmCalls.Sample::ownMillis, 0.5),
                    quantile(group, WarmCalls.Sample::ownMillis, 0.9),
                    quantile(group, WarmCalls.Sample::ownMillis, 0.99));
        }
    }

    /** Samples of the same kind, the kinds in the order of verbs, clusters and contenders. */
    private static <T> List<List<T>> groups(List<T> samples, Function<T, List<?>> kind) {
        SequencedSet<List<?>> kinds = new LinkedHashSet<>();
        samples.forEach(sample -> kinds.add(kind.apply(sample)));
        return kinds.stream()
                .sorted(Comparator.comparing(Object::toString))
                .map(one -> samples.stream()
                        .filter(sample -> kind.apply(sample).equals(one))
                        .toList())
                .toList();
    }

    private static <T> double quantile(List<T> samples, ToDoubleFunction<T> value, double which) {
        double[] values = samples.stream().mapToDouble(value).toArray();
        Arrays.sort(values);
        return values[(int) Math.min(values.length - 1, Math.round(which * (values.length - 1)))];
    }
}
