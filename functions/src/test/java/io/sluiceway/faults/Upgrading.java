package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.faults.FaultProxy.Trap;
import io.sluiceway.faults.Trial.Settled;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Set;

/**
 * A job that counts in one version, and is to go on in another by {@code upgrade-job}: what is asked for, who takes it
 * forward, and what has to come of it.
 *
 * <p>Whoever takes an upgrade forward names the step of a history by the function that it calls and by what it knows
 * the upgrade to be doing, such as {@code job-status@judging}: a fault finds its place by that.
 */
final class Upgrading {
    /**
     * On a session cluster a version that isn't STABLE is given up after a minute, and so is the one that comes back.
     */
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    /** How often the first version is submitted until it runs, as Airflow's retries would. */
    private static final int TRIES = 3;

    private static final int PAUSE_MILLIS = 400;
    private static final int LONGEST_PAUSE_MILLIS = 700;

    static final String UPGRADED = "UPGRADED";
    static final String ROLLED_BACK = "ROLLED_BACK";
    static final String FAILED = "FAILED";

    /** The versions of the job. */
    enum Version {
        /** It counts. */
        FIRST("counting", "first", "{\"settlingTime\": \"PT2S\"}"),
        /** It counts on. */
        SECOND("counting", "second", "{\"settlingTime\": \"PT2S\"}"),
        /** It would count on, too. */
        THIRD("counting", "third", "{\"settlingTime\": \"PT2S\"}"),
        /** It fails before its first checkpoint; where nobody can count those, it doesn't even start. */
        CRASHING("crashing", "second", "{\"settlingTime\": \"PT2S\", \"restarts\": 1}") {
            @Override
            String behaviourOn(LabCluster cluster) {
                return cluster.countsCheckpoints() ? super.behaviourOn(cluster) : "refusing";
            }
        },
        /** It counts on for a second, and fails behind its first checkpoint then. */
        SOURING("souring", "second", "{\"settlingTime\": \"PT20S\", \"restarts\": 1}");

        private final String behaviour;
        private final String mark;
        private final String health;

        Version(String behaviour, String mark, String health) {
            this.behaviour = behaviour;
            this.mark = mark;
            this.health = health;
        }

        String behaviourOn(LabCluster cluster) {
            return behaviour;
        }

        private String of(Trial trial) {
            LabCluster cluster = trial.lab().cluster;
            Path numbers = trial.lab().numbersOf(trial.job);
            return trial.specification(
                    "STREAM",
                    cluster.arguments(behaviourOn(cluster), numbers, mark),
                    ", \"policies\": {\"health\": %s}".formatted(health));
        }
    }

    /** Who takes an upgrade forward. */
    enum Follower {
        /** Whoever waits for it. */
        JOB_STATUS("job-status"),
        /** Its caller, with the same request. */
        UPGRADE_JOB("upgrade-job"),
        /** Nobody but the sweeps. */
        MONITOR_JOBS("monitor-jobs");

        private final String function;

        Follower(String function) {
            this.function = function;
        }
    }

    private final Trial trial;

    private Upgrading(Trial trial) {
        this.trial = trial;
    }

    /** Starts the first version, and waits until it runs. */
    static Upgrading of(Trial trial) {
        trial.takeALane();
        trial.bePatientFor(PATIENCE);
        trial.countsOnce(true);
        Upgrading upgrading = new Upgrading(trial);
        upgrading.start();
        trial.atMidway();
        return upgrading;
    }

    /** A cluster that is too busy may take so long that a submission is given up: nothing runs of it then. */
    private void start() {
        Settled submitted = submit("set-up", "first", 1, Version.FIRST);
        for (int next = 2; next <= TRIES && !isSubmitted(submitted); next++) {
            submitted = submit("set-up", "first", next, Version.FIRST);
        }
        if (!isSubmitted(submitted) && !trial.mayEndOtherwise()) {
            throw new IllegalStateException("The first version of %s came to %s.".formatted(trial.job, submitted));
        }
        trial.awaitRunning(submitted.at("/job/flinkJobId"));
    }

    private static boolean isSubmitted(Settled settled) {
        return settled.at("/job/attemptState").equals("SUBMITTED");
    }

    /** Upgrades the job, and holds it to what has to come of it. */
    void to(Version version, Follower follower, String... endings) {
        to(version, "", follower, endings);
    }

    /**
     * Upgrades the job, and holds it to what has to come of it.
     *
     * @param more of the event
     * @param endings how it may end, unless a process of the cluster is killed
     */
    void to(Version version, String more, Follower follower, String... endings) {
        Settled end = upgrade("upgrade", version, more, follower);
        expectEnding(end, endings);
        afterwards(end, version);
    }

    /** Asks for an upgrade, and takes it to its end. */
    Settled upgrade(String request, Version version, String more, Follower follower) {
        String event = event(request, version, more);
        Settled asked = trial.settle("upgrade-job", "upgrade-job", event);
        return asked.end().equals("DONE") ? follow(asked, event, follower) : asked;
    }

    private String event(String request, Version version, String more) {
        return """
                {"requestId": "%s/%s", "try": 1, "judgeWithin": "%s", "job": %s%s}
                """.formatted(trial.id, request, trial.lab().cluster.judgement(), version.of(trial), more);
    }

    Settled submit(String step, String request, Version version) {
        return submit(step, request, 1, version);
    }

    private Settled submit(String step, String request, int tryNumber, Version version) {
        return trial.settle(step, "submit-job", submission(request, tryNumber, version));
    }

    String submission(String request, Version version) {
        return submission(request, 1, version);
    }

    private String submission(String request, int tryNumber, Version version) {
        return """
                {"requestId": "%s/%s", "try": %d, "job": %s}
                """.formatted(trial.id, request, tryNumber, version.of(trial));
    }

    /** Stops whatever runs of the job. */
    Settled stop(String step, String mode) {
        return trial.operate(step, "stop-job", """
                {"requestId": "%s/stop", "try": 1, "cluster": "%s", "jobName": "%s", "mode": "%s"}
                """.formatted(trial.id, trial.cluster(), trial.job, mode));
    }

    /** Takes an upgrade that was asked for to its end. */
    private Settled follow(Settled asked, String event, Follower follower) {
        String operation = asked.at("/operation/operationId");
        String look = "{\"operationId\": \"%s\"}".formatted(operation);
        String doing = asked.at("/operation/upgrade/step");
        boolean ended = asked.answer() != null
                && asked.answer().at("/operation/terminal").asBoolean();
        int pause = PAUSE_MILLIS;
        for (Instant giveUp = Instant.now().plus(PATIENCE);
                !ended && Instant.now().isBefore(giveUp);
                pause = Math.min(pause * 3 / 2, LONGEST_PAUSE_MILLIS)) {
            Trial.pause(pause);
            String step = follower.function + "@" + doing.toLowerCase(Locale.ROOT);
            Trial.Call call = switch (follower) {
                case JOB_STATUS -> trial.call(step, follower.function, look);
                case UPGRADE_JOB -> trial.call(step, follower.function, event);
                case MONITOR_JOBS ->
                    trial.call(step, follower.function, "{\"clusters\": [\"%s\"]}".formatted(trial.cluster()));
            };
            if (follower == Follower.MONITOR_JOBS) {
                JsonNode stored = trial.stored(operation);
                doing = stored.at("/upgrade/step").asText(doing);
                ended = Endings.ofOperation(stored.path("state").asText());
            } else {
                JsonNode seen =
                        call.answer().map(answer -> answer.path("operation")).orElse(null);
                doing = seen == null ? doing : seen.at("/upgrade/step").asText(doing);
                ended = seen != null && seen.path("terminal").asBoolean();
            }
        }
        return ended ? trial.settle("set-up", "job-status", look) : trial.unsettled(follower.function, asked.answer());
    }

    /** Has the caller of an upgrade die when it has asked for the stop, and waits until nothing of the job runs. */
    void dieBetween(String request, Version version) {
        trial.lab()
                .proxy
                .arm(new Trap(
                        trial.label("upgrade-job"),
                        null,
                        trial.lab().cluster.stopCall(),
                        1,
                        Fault.of(Fault.Kind.KILL_AFTER)));
        Instant giveUp = Instant.now().plusSeconds(20);
        // The JobManager tells with a delay that all tasks run.
        for (Trial.Call call = trial.call("upgrade-job", "upgrade-job", event(request, version, ""));
                call.refusal().isPresent() && Instant.now().isBefore(giveUp);
                call = trial.call("upgrade-job", "upgrade-job", event(request, version, ""))) {
            Trial.pause();
        }
        awaitItDown();
    }

    /** Waits until nothing of the job runs, by Flink's own log. */
    private void awaitItDown() {
        Instant giveUp = Instant.now().plusSeconds(20);
        while (trial.executions().stream().anyMatch(execution -> execution.end() == null)
                && Instant.now().isBefore(giveUp)) {
            Trial.pause(20);
        }
    }

    void expectEnding(Settled end, String... endings) {
        trial.expect(
                trial.mayEndOtherwise() || Set.of(endings).contains(end.at("/operation/upgrade/ending")),
                "The upgrade ended as " + end);
    }

    /** Behind an upgrade the job is free, and what runs is what the upgrade says. */
    void afterwards(Settled end, Version next) {
        switch (end.at("/operation/upgrade/ending")) {
            case UPGRADED -> expectAdopted(next, end.at("/operation/upgrade/newFlinkJobId"));
            case ROLLED_BACK -> expectAdopted(Version.FIRST, end.at("/operation/upgrade/returnedFlinkJobId"));
            case FAILED -> stop("set-up", "CANCEL");
            default -> trial.expect(trial.mayEndOtherwise(), "The upgrade came to " + end);
        }
    }

    private void expectAdopted(Version version, String flinkJobId) {
        Settled found = submit("set-up", "after", version);
        trial.expect(
                trial.mayEndOtherwise()
                        || (found.at("/outcome").equals("ADOPTED")
                                && found.at("/job/flinkJobId").equals(flinkJobId)),
                "Whoever submits %s finds %s instead of %s.".formatted(version, found, flinkJobId));
    }
}
