package io.sluiceway.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.bench.RuntimeApi.Answered;
import io.sluiceway.testing.DynamoDbTable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * What a function adds to a call once its process is warm: the time of the call less the time in which Flink and AWS
 * answered. The floor asks nobody, so all of its time is its own; once more it asks Flink as often as the functions ask
 * somebody, and has nothing to do with the answers. Contenders take turns in each round.
 */
final class WarmCalls {
    /** Rounds before those that count, in which the JVM compiles what it will use. */
    private static final int WARM_UP = 30;

    private static final String NAME = "warm";

    static final String ASKING_FLOOR = "asking floor";

    /**
     * One call.
     *
     * @param millis from when the event was there to the answer
     * @param ownMillis what of it nobody else took
     * @param calls how often the function asked Flink and AWS
     */
    record Sample(String contender, Verb verb, double millis, double ownMillis, int calls) {}

    private final BenchLab lab;
    private final Meters meters;
    private final Path home;

    WarmCalls(BenchLab lab, Meters meters, Path home) {
        this.lab = lab;
        this.meters = meters;
        this.home = home;
    }

    /** Calls each function of each contender so often, about one job that runs. */
    List<Sample> measure(List<Contender> contenders, int rounds) throws IOException, InterruptedException {
        List<Sample> samples = new ArrayList<>();
        try (DynamoDbTable table = lab.table()) {
            Map<String, String> environment = lab.environment(table, meters.endpoints());
            for (Verb verb : List.of(Verb.SUBMIT, Verb.STATUS, Verb.SWEEP)) {
                measure(verb, contenders, environment, rounds, samples);
            }
        }
        lab.end(BenchLab.SESSION, NAME);
        return samples;
    }

    private void measure(
            Verb verb, List<Contender> contenders, Map<String, String> environment, int rounds, List<Sample> samples) {
        List<Warm> warm = new ArrayList<>();
        try {
            for (Contender contender : contenders) {
                if (!contender.submitsAlone()) {
                    warm.add(start(contender, verb, environment));
                }
            }
            // A first call does more than those that follow.
            warm.forEach(one -> call(one, verb));
            int asks =
                    warm.stream().mapToInt(one -> call(one, verb).calls()).max().orElseThrow();
            String flink = meters.endpoints().flink().getAuthority();
            for (Contender contender : contenders) {
                if (contender.name().equals(Contenders.FLOOR)) {
                    warm.add(start(
                            contender.with(ASKING_FLOOR, Map.of("ASK", flink, "ASK_TIMES", Integer.toString(asks))),
                            verb,
                            environment));
                }
            }
            Random random = new Random(rounds);
            for (int round = -WARM_UP; round < rounds; round++) {
                Collections.shuffle(warm, random);
                for (Warm one : warm) {
                    Sample sample = call(one, verb);
                    if (round >= 0) {
                        samples.add(sample);
                    }
                }
            }
        } finally {
            warm.forEach(one -> one.process().close());
        }
        lab.awaitRunning();
    }

    private Warm start(Contender contender, Verb verb, Map<String, String> environment) {
        Path log = home.resolve(contender.plainName() + ".log");
        return new Warm(contender, new RuntimeApi(contender, verb.function(), environment, log));
    }

    private Sample call(Warm one, Verb verb) {
        meters.reset();
        String name = one.contender().name();
        Answered answered = one.process().callWarm(verb.event(BenchLab.SESSION, NAME));
        assertThat(answered.error())
                .as("%s of %s: %s", verb, name, answered.body())
                .isFalse();
        return new Sample(name, verb, answered.millis(), answered.millis() - meters.millis(), meters.calls());
    }

    private record Warm(Contender contender, RuntimeApi process) {}
}
