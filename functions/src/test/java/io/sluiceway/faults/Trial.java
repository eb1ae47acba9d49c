package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluiceway.faults.LambdaWorkers.Result;
import io.sluiceway.faults.LambdaWorkers.Variant;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One history of requests about a job of its own, told by somebody who repeats a call whose answer doesn't come. It
 * keeps all that was asked and answered, for the judge.
 */
final class Trial {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PAUSE_MILLIS = 150;
    private static final int LONGEST_PAUSE_MILLIS = 1000;

    /** A call that isn't disturbed takes about half of it. */
    private static final int LATEST_KILL_MILLIS = 800;

    private static final Set<String> UNDER_WAY = Set.of("PREPARING", "POSTING");

    /**
     * One call of a function.
     *
     * @param at when it was made
     * @param step the step of the history that it belongs to
     * @param event what was asked
     * @param result what came of it
     */
    record Call(Instant at, String function, String step, JsonNode event, Result result) {
        /** The answer, or empty when the function failed or died. */
        Optional<JsonNode> answer() {
            return result instanceof Result.Answered answered && !answered.error()
                    ? Optional.of(answered.body())
                    : Optional.empty();
        }

        /** The refusal, or empty when there was none. */
        Optional<JsonNode> refusal() {
            if (result instanceof Result.Answered answered && answered.error()) {
                String message = answered.errorMessage();
                try {
                    return Optional.of(JSON.readTree(message.substring(message.indexOf('{')))
                            .path("error"));
                } catch (IOException | RuntimeException e) {
                    return Optional.of(
                            JSON.createObjectNode().put("code", message).put("retryable", true));
                }
            }
            return Optional.empty();
        }

        @Override
        public String toString() {
            return at + " " + step + " " + event + " -> "
                    + switch (result) {
                        case Result.Answered answered ->
                            answered.error() ? "FAILED " + refusal().orElseThrow() : answered.body();
                        case Result.Died died -> "DIED";
                        case Result.TimedOut timedOut -> "TIMED OUT";
                    };
        }
    }

    /**
     * What a repeated call came to.
     *
     * @param end {@code DONE}, {@code UNSETTLED} when patience was up, or the code of a final refusal
     * @param answer the last answer; absent when there was none
     * @param refusal the final refusal; absent when there was none
     */
    record Settled(
            String end, @Nullable JsonNode answer, @Nullable JsonNode refusal) {
        String at(String pointer) {
            return answer == null ? "" : answer.at(pointer).asText();
        }
    }

    final String id;
    final String job;
    final Random random;
    private final Lab lab;
    private final List<Call> calls = Collections.synchronizedList(new ArrayList<>());
    private final List<String> unsettled = Collections.synchronizedList(new ArrayList<>());
    private final List<String> disappointments = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch midway = new CountDownLatch(1);
    private final int jobManagersBefore;
    private volatile Duration patience = PATIENCE;
    private volatile Duration clock = Duration.ZERO;
    private final AtomicInteger killsLeft = new AtomicInteger();
    private volatile @Nullable Instant struck;
    private volatile boolean clusterStruck;
    private volatile boolean countsOnce;
    private volatile String cluster = Lab.CLUSTER;

    /**
     * @param id names the trial and its job: lower-case letters, digits and single hyphens
     * @param seed where its chance comes from
     */
    Trial(Lab lab, String id, long seed) {
        this.lab = lab;
        this.id = id;
        this.job = id;
        this.random = new Random(seed);
        this.jobManagersBefore = lab.flinkView.jobManagers();
    }

    /** From now on, every other call is made by a function whose clock is ahead by so much. */
    void setClockWrong(Duration ahead) {
        clock = ahead;
        struck(Instant.now());
    }

    /** From now on, so many calls may be killed at a random moment. */
    void killAtRandom(int kills) {
        killsLeft.set(kills);
    }

    /** Notes when something happened to this trial that isn't in the proxy's log; the first time counts. */
    void struck(Instant at) {
        if (struck == null) {
            struck = at;
        }
    }

    /** Notes when a process of the cluster was killed: what a job depends on may have gone with it. */
    void clusterStruck(Instant at) {
        clusterStruck = true;
        struck(at);
    }

    /** Whether something happened that a job may end of, or wrong clocks make anything look late. */
    boolean mayEndOtherwise() {
        return clusterStruck || !clock.isZero();
    }

    /** From now on, names the cluster as hardly another trial does. */
    void takeALane() {
        cluster = lab.nextLane();
    }

    String cluster() {
        return cluster;
    }

    /** Says whether the job that counts has to have counted each number once. */
    void countsOnce(boolean once) {
        countsOnce = once;
    }

    Optional<Instant> struck() {
        return Optional.ofNullable(struck);
    }

    /** The history is where something is to happen to it. */
    void atMidway() {
        midway.countDown();
    }

    /** Waits until the history is where something is to happen to it, or for so long. */
    void awaitMidway(Duration atMost) throws InterruptedException {
        boolean _ = midway.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Holds the history to what has to be so, besides what holds for every one. */
    void expect(boolean so, String what) {
        if (!so) {
            disappointments.add(what);
        }
    }

    /** What there is to judge it by. */
    Evidence evidence() {
        try {
            List<FlinkView.Execution> executions = lab.flinkView.executions(job);
            return new Evidence(
                    job,
                    calls(),
                    List.copyOf(unsettled),
                    List.copyOf(disappointments),
                    executions,
                    lab.ledgerView.read(),
                    lab.cluster.savepoints(job),
                    lab.flinkView.jobManagers() - jobManagersBefore + 1,
                    executions.stream()
                            .map(FlinkView.Execution::flinkJobId)
                            .distinct()
                            .collect(Collectors.toMap(Function.identity(), this::course)),
                    Evidence.Counted.in(lab.numbersOf(job), countsOnce && !mayEndOtherwise()),
                    lab.cluster.failedStarts(job));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private FlinkView.Course course(String flinkJobId) {
        FlinkView.Course course = lab.flinkView.course(flinkJobId);
        return new FlinkView.Course(lab.cluster.savepointAt(course.restoredFrom()), course.checkpoints());
    }

    /** Gives up repeating a step after so long. */
    void bePatientFor(Duration atMost) {
        patience = atMost;
    }

    Lab lab() {
        return lab;
    }

    List<Call> calls() {
        return List.copyOf(calls);
    }

    /** The proxy's name for a step of this trial. */
    String label(String step) {
        return id + ":" + step;
    }

    /** Submits, again and again, until the job is submitted, refused or unknown. */
    Settled submit(String step, String requestId, int tryNumber, String kind, String more) {
        return settle(step, "submit-job", submission(requestId, tryNumber, kind, more));
    }

    String submission(String requestId, int tryNumber, String kind, String more) {
        return "{\"requestId\": \"%s\", \"try\": %d, \"job\": %s}"
                .formatted(
                        requestId, tryNumber, specification(kind, lab.cluster.arguments(kind.equals("STREAM")), more));
    }

    /** The specification of its job, with such arguments of the program. */
    String specification(String kind, List<String> arguments, String more) {
        return """
                {"name": "%s", "kind": "%s", "cluster": "%s",
                 "jar": {"uri": "%s"}, "args": ["%s"], "parallelism": 1%s}
                """.formatted(job, kind, cluster, lab.jarUri(), String.join("\", \"", arguments), more);
    }

    Settled settle(String step, String function, String event) {
        Instant giveUp = Instant.now().plus(patience);
        JsonNode last = null;
        int pause = PAUSE_MILLIS;
        while (Instant.now().isBefore(giveUp)) {
            Call call = call(step, function, event);
            JsonNode answer = call.answer().orElse(null);
            JsonNode refusal = call.refusal().orElse(null);
            if (answer != null) {
                last = answer;
                if (settled(function, answer)) {
                    return new Settled("DONE", answer, null);
                }
            } else if (refusal != null && !refusal.path("retryable").asBoolean()) {
                return new Settled(refusal.path("code").asText(), last, refusal);
            }
            pause(pause);
            pause = Math.min(pause * 3 / 2, LONGEST_PAUSE_MILLIS);
        }
        return unsettled(step, last);
    }

    /** Notes that a step came to no end. */
    Settled unsettled(String step, @Nullable JsonNode last) {
        unsettled.add(step);
        return new Settled("UNSETTLED", last, null);
    }

    /** An operation as the table has it; missing when it hasn't. */
    JsonNode stored(String operation) {
        try {
            return lab.ledgerView.read().operations(job).stream()
                    .filter(item -> item.path("operationId").asText().equals(operation))
                    .findFirst()
                    .orElse(MissingNode.getInstance());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean settled(String function, JsonNode answer) {
        return switch (function) {
            case "submit-job" ->
                !answer.at("/outcome").asText().equals("IN_PROGRESS")
                        && !UNDER_WAY.contains(answer.at("/job/attemptState").asText());
            case "job-status" -> answer.at("/operation/terminal").asBoolean(true);
            default ->
                !answer.at("/operation/operationId").isMissingNode()
                        || answer.path("requestCancelled").asBoolean();
        };
    }

    /** Acts on a job, and follows the operation to its end. */
    Settled operate(String step, String function, String requestId, String flinkJobId, String more) {
        return operate(step, function, """
                {"requestId": "%s", "try": 1, "cluster": "%s", "flinkJobId": "%s"%s}
                """.formatted(requestId, cluster, flinkJobId, more));
    }

    /** Calls for an operation, and follows it to its end. */
    Settled operate(String step, String function, String event) {
        Settled triggered = settle(step, function, event);
        String operation = triggered.at("/operation/operationId");
        if (!triggered.end().equals("DONE") || operation.isEmpty()) {
            return triggered;
        }
        String follow = step.equals("set-up") ? step : "job-status";
        return settle(follow, "job-status", "{\"operationId\": \"" + operation + "\"}");
    }

    /** One call of a function, whatever comes of it. */
    Call call(String step, String function, String event) {
        boolean wrong = !clock.isZero() && random.nextBoolean();
        LambdaWorkers.Worker worker = lab.workers.take(new Variant(function, Map.of(), wrong ? clock : Duration.ZERO));
        try {
            Instant at = Instant.now();
            killSometime(worker);
            Result result = worker.invoke(label(step), event, Lab.timeoutOf(function));
            Call call = new Call(at, function, step, JSON.readTree(event), result);
            calls.add(call);
            return call;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } finally {
            lab.workers.giveBack(worker);
        }
    }

    private void killSometime(LambdaWorkers.Worker worker) {
        if (random.nextBoolean() || killsLeft.getAndDecrement() <= 0) {
            return;
        }
        Duration in = Duration.ofMillis(random.nextInt(LATEST_KILL_MILLIS));
        Thread _ = Thread.startVirtualThread(() -> {
            pause((int) in.toMillis());
            if (worker.isHandling(id + ":")) {
                struck(Instant.now());
                worker.kill();
            }
        });
    }

    /** Waits until the cluster runs all tasks of a job, or has ended or lost it. */
    void awaitRunning(String flinkJobId) {
        Instant giveUp = Instant.now().plus(patience);
        while (!lab.flinkView.isRunning(flinkJobId) && !isOver(flinkJobId)) {
            if (Instant.now().isAfter(giveUp)) {
                throw new IllegalStateException("Job " + flinkJobId + " doesn't run.");
            }
            pause();
        }
    }

    private boolean isOver(String flinkJobId) {
        // At rest first: what comes between the two looks is in the second.
        return lab.cluster.isAtRest(job)
                && lab.flinkView.executions(job).stream()
                        .allMatch(execution ->
                                execution.end() != null || !execution.id().equals(flinkJobId));
    }

    /** What Flink has run under its job's name. */
    List<FlinkView.Execution> executions() {
        return lab.flinkView.executions(job);
    }

    /** The proxy's log of all steps, in the order in which they were asked. */
    List<FaultProxy.Seen> wire() {
        return lab.proxy.logOf(id + ":");
    }

    static void pause() {
        pause(PAUSE_MILLIS);
    }

    static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
