package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the functions cost beside what a team would use instead: how long they take from the start of a process to its
 * first answer and what they hold then, what they add to a warm call, and how many jobs they start in a minute.
 * {@code make bench} runs it; {@code bench/plot.py} makes tables and pictures of the samples that it writes.
 */
class FunctionsBench {
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 50);

    /** Warm calls for each cold start: they take a fraction of the time. */
    private static final int CALLS_A_ROUND = 4;

    private final PrintStream out = System.out;

    @TempDir
    private Path home;

    /** What was measured is written at once: it takes most of an hour. */
    @Test
    void functions_andWhatCouldTakeTheirPlace_areMeasuredByTurns() throws Exception {
        BenchFile file = new BenchFile("local/run/bench.json");
        List<Contender> contenders = Contenders.find(home, out);
        assertThat(contenders).isNotEmpty();
        ObjectNode json = file.content().put("rounds", ROUNDS).put("python", Contenders.pythonVersion());
        ObjectNode artifacts = json.putObject("artifacts");
        contenders.forEach(contender -> artifacts.put(contender.name(), contender.zipped()));
        ArrayNode samples = json.putArray("samples");
        ArrayNode warm = json.putArray("warm");
        ArrayNode throughput = json.putArray("throughput");
        try (BenchLab lab = new BenchLab(home);
                Meters meters = new Meters(lab.endpoints())) {
            new ColdStarts(lab, meters, home, out)
                    .measure(contenders, ROUNDS)
                    .forEach(sample -> samples.addObject()
                            .put("contender", sample.contender())
                            .put("cluster", sample.cluster())
                            .put("verb", sample.verb().function())
                            .put("evicted", sample.evicted())
                            .put("millis", sample.millis())
                            .put("ownMillis", sample.ownMillis())
                            .put("calls", sample.calls())
                            .put("megabytes", sample.megabytes()));
            file.write();
            new WarmCalls(lab, meters, home)
                    .measure(contenders, ROUNDS * CALLS_A_ROUND)
                    .forEach(sample -> warm.addObject()
                            .put("contender", sample.contender())
                            .put("verb", sample.verb().function())
                            .put("millis", sample.millis())
                            .put("ownMillis", sample.ownMillis())
                            .put("calls", sample.calls()));
            file.write();
            for (Contender contender : contenders) {
                if (contender.name().equals(Contenders.NATIVE)) {
                    Throughput.Result result = new Throughput(lab, home).measure(contender);
                    throughput
                            .addObject()
                            .put("contender", result.contender())
                            .put("processes", result.processes())
                            .put("submissions", result.submissions())
                            .put("perMinute", result.perMinute());
                }
            }
            out.println("All samples are in " + file.write());
        }
    }
}
