package io.sluiceway.faults;

import io.sluiceway.faults.FaultProxy.Trap;
import io.sluiceway.faults.Trial.Settled;
import io.sluiceway.faults.Upgrading.Follower;
import io.sluiceway.faults.Upgrading.Version;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What is asked for in a trial. Wherever a step is named like a function, a fault can be put into it. */
enum History {
    /** A stream is submitted. */
    SUBMIT {
        @Override
        void run(Trial trial) {
            trial.submit("submit-job", trial.id, 1, "STREAM", "");
        }
    },
    /** A bounded job is submitted. */
    RUN {
        @Override
        void run(Trial trial) {
            trial.submit("submit-job", trial.id, 1, "RUN", "");
        }
    },
    /** A higher try finds its job running, and adopts it. */
    ADOPT {
        @Override
        void run(Trial trial) {
            running(trial);
            trial.submit("submit-job", trial.id, 2, "STREAM", "");
        }
    },
    /** A higher try finds its job cancelled, and starts it anew. */
    TRY_AGAIN {
        @Override
        void run(Trial trial) {
            String job = running(trial);
            trial.operate("set-up", "stop-job", trial.id + "/stop", job, CANCEL_MODE);
            trial.submit("submit-job", trial.id, 2, "STREAM", "");
        }
    },
    /** A stream is stopped with a savepoint, and another request goes on from there. */
    UPGRADE {
        @Override
        void run(Trial trial) {
            trial.operate("stop-job", "stop-job", trial.id + "/stop", running(trial), "");
            trial.submit("submit-job", trial.id + "/next", 1, "STREAM", LATEST);
        }
    },
    /** A savepoint is taken of a running job. */
    SAVEPOINT {
        @Override
        void run(Trial trial) {
            trial.operate("take-savepoint", "take-savepoint", trial.id + "/save", running(trial), "");
        }
    },
    /** A running job is stopped with a savepoint. */
    STOP {
        @Override
        void run(Trial trial) {
            trial.operate("stop-job", "stop-job", trial.id + "/stop", running(trial), "");
        }
    },
    /** A running job is drained. */
    DRAIN {
        @Override
        void run(Trial trial) {
            trial.operate("stop-job", "stop-job", trial.id + "/stop", running(trial), ", \"mode\": \"DRAIN\"");
        }
    },
    /** A running job is cancelled. */
    CANCEL {
        @Override
        void run(Trial trial) {
            trial.operate("stop-job", "stop-job", trial.id + "/stop", running(trial), CANCEL_MODE);
        }
    },
    /** The same event arrives twice at the same time. */
    COPIES_2 {
        @Override
        void run(Trial trial) {
            copies(trial, 2);
        }
    },
    /** The same event arrives ten times at the same time. */
    COPIES_10 {
        @Override
        void run(Trial trial) {
            copies(trial, 10);
        }
    },
    /** The same event arrives a hundred times at the same time. */
    COPIES_100 {
        @Override
        void run(Trial trial) {
            copies(trial, 100);
        }
    },
    /** The same event that takes a savepoint arrives twice at the same time. */
    SAVEPOINT_COPIES_2 {
        @Override
        void run(Trial trial) {
            String job = running(trial);
            atOnce(Collections.nCopies(
                    2, () -> trial.operate("take-savepoint", "take-savepoint", trial.id + "/save", job, "")));
        }
    },
    /** Two requests for the same stream at the same time; one of them is for another job of that name. */
    TWO_REQUESTS {
        @Override
        void run(Trial trial) {
            boolean same = trial.random.nextBoolean();
            atOnce(List.of(
                    () -> trial.submit("submit-job", trial.id + "/a", 1, "STREAM", ""),
                    () -> trial.submit("submit-job", trial.id + "/b", 1, "STREAM", same ? "" : RERUN)));
        }
    },
    /** A stream is upgraded while a sweep that found it missing starts it, too. */
    UPGRADE_AND_SWEEP {
        @Override
        void run(Trial trial) {
            String job = running(trial);
            atOnce(List.of(
                    () -> {
                        trial.operate("stop-job", "stop-job", trial.id + "/stop", job, "");
                        return trial.submit("submit-job", trial.id + "/next", 1, "STREAM", LATEST);
                    },
                    () -> {
                        Trial.pause(trial.random.nextInt(2000));
                        return trial.submit("sweep", trial.id + "/sweep", 1, "STREAM", LATEST);
                    }));
        }
    },
    /** A task is killed at the time when it submits: the stop may overtake the submission. */
    SUBMIT_AND_KILL {
        @Override
        void run(Trial trial) {
            List<Settled> ends = atOnce(List.of(() -> trial.submit("submit-job", trial.id, 1, "STREAM", ""), () -> {
                Trial.pause(trial.random.nextInt(600));
                return trial.operate("stop-job", "stop-job", onKill(trial, 1));
            }));
            Instant giveUp = Instant.now().plusSeconds(10);
            while (lives(trial) && Instant.now().isBefore(giveUp)) {
                Trial.pause();
            }
            trial.expect(!lives(trial), "The job lives behind its stop: " + ends);
        }
    },
    /** An old task's stop arrives when a higher try has adopted its job. */
    STALE_KILL {
        @Override
        void run(Trial trial) {
            running(trial);
            trial.submit("set-up", trial.id, 2, "STREAM", "");
            Settled end = trial.operate("stop-job", "stop-job", onKill(trial, 1));
            trial.expect(end.end().equals("STALE_OWNER"), "An old stop ended as " + end);
            trial.expect(lives(trial), "An old stop has ended the job.");
        }
    },
    /** A stop arrives before the submission that it is for. */
    STOP_FIRST {
        @Override
        void run(Trial trial) {
            trial.operate("stop-job", "stop-job", onKill(trial, 1));
            Settled end = trial.submit("submit-job", trial.id, 1, "STREAM", "");
            trial.expect(end.end().equals("REQUEST_CANCELLED"), "A stopped submission ended as " + end);
            trial.expect(trial.executions().isEmpty(), "A stopped submission has started a job.");
        }
    },
    /**
     * A poster stands still, before or after it has asked the cluster, for longer than its fence; meanwhile the request
     * is repeated, or another comes.
     */
    PAUSED_POSTER {
        @Override
        void run(Trial trial) {
            List<Trap> places = new ArrayList<>();
            // The fence is written, and the poster doesn't hear of it before its time is up.
            places.add(trap(trial, "dynamodb TransactWriteItems", 2));
            if (trial.lab().cluster.runsBoundedJobs()) {
                // Nothing but a look at its clock lies between this and the post.
                places.add(trap(trial, "flink GET /jars", 2));
                places.add(trap(trial, "flink POST /jars/:jarid/run", 1));
            } else {
                places.add(trap(trial, "managed-flink CreateApplication", 1));
                places.add(trap(trial, "managed-flink StartApplication", 1));
            }
            trial.lab().proxy.arm(places.get(trial.random.nextInt(places.size())));
            boolean other = trial.random.nextBoolean();
            atOnce(List.of(() -> trial.submit("submit-job", trial.id, 1, "STREAM", ""), () -> {
                awaitFault(trial);
                return trial.submit("second", other ? trial.id + "/other" : trial.id, 1, "STREAM", "");
            }));
        }

        private Trap trap(Trial trial, String call, int nth) {
            Duration fence = Lab.POST_WITHIN.plus(Lab.SETTLE_AFTER);
            Duration duration = fence.plusMillis(trial.random.nextInt(1500));
            return new Trap(trial.label("submit-job"), null, call, nth, new Fault(Fault.Kind.FREEZE, duration));
        }
    },
    /** Functions are killed at random moments. */
    KILLED_AT_RANDOM {
        @Override
        void run(Trial trial) {
            trial.killAtRandom(3);
            anyOf(trial);
        }
    },
    /** The clock of every other call is five minutes ahead. */
    CLOCK_AHEAD {
        @Override
        void run(Trial trial) {
            withClock(trial, Duration.ofMinutes(5));
        }
    },
    /** The clock of every other call is five minutes behind. */
    CLOCK_BEHIND {
        @Override
        void run(Trial trial) {
            withClock(trial, Duration.ofMinutes(-5));
        }
    },
    /** No savepoint can be written, then it can. */
    SAVEPOINT_BLOCKED {
        @Override
        void run(Trial trial) {
            boolean stop = trial.random.nextBoolean();
            String function = stop ? "stop-job" : "take-savepoint";
            AutoCloseable block = trial.lab().cluster.blockSavepoints(trial.job);
            String job = running(trial);
            trial.struck(Instant.now());
            Settled blocked = trial.operate(function, function, trial.id + "/save", job, "");
            unblock(block);
            trial.expect(
                    blocked.at("/operation/state").equals("FAILED"),
                    "A savepoint that can't be written came to " + blocked);
            Settled again = trial.operate(function, function, """
                    {"requestId": "%s/save", "try": 2, "cluster": "%s", "flinkJobId": "%s"}
                    """.formatted(trial.id, Lab.CLUSTER, job));
            trial.expect(
                    again.at("/operation/state").equals("COMPLETED"),
                    "A savepoint that can be written again came to " + again);
        }
    },
    /** A stream is submitted that is to run again when nobody can tell what became of it. */
    SUBMIT_OR_RERUN {
        @Override
        void run(Trial trial) {
            trial.submit("submit-job", trial.id, 1, "STREAM", RERUN);
            trial.submit("submit-job", trial.id, 1, "STREAM", RERUN);
        }
    },
    /** A version takes over, while whoever waits for it observes the upgrade. */
    UPGRADE_JOB {
        @Override
        void run(Trial trial) {
            Upgrading.of(trial).to(Version.SECOND, Follower.JOB_STATUS, Upgrading.UPGRADED);
        }
    },
    /** A version takes over, while the caller repeats its request. */
    UPGRADE_JOB_REPEATED {
        @Override
        void run(Trial trial) {
            Upgrading.of(trial).to(Version.SECOND, Follower.UPGRADE_JOB, Upgrading.UPGRADED);
        }
    },
    /** A version takes over by sweeps alone: the caller has gone away. */
    UPGRADE_JOB_SWEPT {
        @Override
        void run(Trial trial) {
            Upgrading.of(trial).to(Version.SECOND, Follower.MONITOR_JOBS, Upgrading.UPGRADED);
        }
    },
    /** A version fails before its first checkpoint: the old one comes back. */
    UPGRADE_JOB_CRASHING {
        @Override
        void run(Trial trial) {
            Upgrading.of(trial).to(Version.CRASHING, Follower.JOB_STATUS, Upgrading.ROLLED_BACK);
        }
    },
    /** A version that fails before its first checkpoint, and nobody but the sweeps sees it. */
    UPGRADE_JOB_CRASHING_SWEPT {
        @Override
        void run(Trial trial) {
            Upgrading.of(trial).to(Version.CRASHING, Follower.MONITOR_JOBS, Upgrading.ROLLED_BACK);
        }
    },
    /**
     * A version turns bad behind a checkpoint: it stays as it is. On a machine that is slow it may turn bad before;
     * then the old one comes back, where checkpoints are counted.
     */
    UPGRADE_JOB_SOURING {
        @Override
        void run(Trial trial) {
            String[] endings = trial.lab().cluster.countsCheckpoints()
                    ? new String[] {Upgrading.FAILED, Upgrading.ROLLED_BACK}
                    : new String[] {Upgrading.FAILED};
            Upgrading.of(trial).to(Version.SOURING, Follower.JOB_STATUS, endings);
        }
    },
    /** A version turns bad behind a checkpoint, and the old one may emit again what it has emitted. */
    UPGRADE_JOB_SOURING_ACCEPTED {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            trial.countsOnce(false);
            upgrading.to(
                    Version.SOURING,
                    ", \"rollbackAfterCommit\": \"ACCEPT_DUPLICATES\"",
                    Follower.JOB_STATUS,
                    Upgrading.ROLLED_BACK);
        }
    },
    /** No savepoint can be written: the old version runs on. */
    UPGRADE_JOB_BLOCKED {
        @Override
        void run(Trial trial) {
            AutoCloseable block = trial.lab().cluster.blockSavepoints(trial.job);
            Upgrading upgrading = Upgrading.of(trial);
            Settled end = upgrading.upgrade("upgrade", Version.SECOND, "", Follower.JOB_STATUS);
            upgrading.expectEnding(end, Upgrading.FAILED);
            trial.expect(
                    trial.mayEndOtherwise() || (trial.executions().size() == 1 && lives(trial)),
                    "A savepoint that can't be written has ended the old version, or started another.");
            unblock(block);
            upgrading.afterwards(end, Version.SECOND);
        }
    },
    /** The same event that upgrades a job arrives twice at the same time. */
    UPGRADE_JOB_COPIES_2 {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            List<Settled> ends = atOnce(Collections.nCopies(
                    2, () -> upgrading.upgrade("upgrade", Version.SECOND, "", Follower.UPGRADE_JOB)));
            ends.forEach(end -> upgrading.expectEnding(end, Upgrading.UPGRADED));
            upgrading.afterwards(ends.getFirst(), Version.SECOND);
        }
    },
    /** Two requests upgrade a job at the same time: one after the other. */
    UPGRADE_JOB_TWICE {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            List<Settled> ends = atOnce(List.of(
                    () -> upgrading.upgrade("upgrade", Version.SECOND, "", Follower.JOB_STATUS),
                    () -> upgrading.upgrade("other", Version.THIRD, "", Follower.MONITOR_JOBS)));
            ends.forEach(end -> upgrading.expectEnding(end, Upgrading.UPGRADED));
        }
    },
    /** The old version has ended, and before the new one begins, somebody submits another. */
    UPGRADE_JOB_BETWEEN {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            upgrading.dieBetween("upgrade", Version.SECOND);
            Trial.Call other = trial.call("submit-job", "submit-job", upgrading.submission("other", Version.THIRD));
            trial.expect(
                    trial.mayEndOtherwise()
                            || other.refusal()
                                    .filter(refusal ->
                                            refusal.path("code").asText().equals("JOB_BUSY"))
                                    .isPresent(),
                    "A submission between two versions came to " + other);
            Settled end = upgrading.upgrade("upgrade", Version.SECOND, "", Follower.JOB_STATUS);
            upgrading.expectEnding(end, Upgrading.UPGRADED);
            upgrading.afterwards(end, Version.SECOND);
        }
    },
    /** A job is stopped by somebody else about the time of its upgrade. */
    UPGRADE_JOB_AND_STOP {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            List<Settled> ends =
                    atOnce(List.of(() -> upgrading.upgrade("upgrade", Version.SECOND, "", Follower.JOB_STATUS), () -> {
                        Trial.pause(trial.random.nextInt(LONGEST_UPGRADE_MILLIS));
                        return upgrading.stop("stop-job", trial.random.nextBoolean() ? "SAVEPOINT" : "CANCEL");
                    }));
            trial.expect(
                    trial.mayEndOtherwise()
                            || ends.getFirst().at("/operation/upgrade/ending").equals(Upgrading.UPGRADED)
                            || ends.getFirst().end().equals("JOB_NOT_RUNNING"),
                    "The upgrade of a job that is stopped came to " + ends);
            trial.expect(trial.mayEndOtherwise() || !lives(trial), "The job lives behind its stop: " + ends.getLast());
        }
    },
    /** Somebody submits the old version again about the time of its upgrade. */
    UPGRADE_JOB_AND_SUBMIT {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            List<Settled> ends =
                    atOnce(List.of(() -> upgrading.upgrade("upgrade", Version.SECOND, "", Follower.JOB_STATUS), () -> {
                        Trial.pause(trial.random.nextInt(LONGEST_UPGRADE_MILLIS));
                        return upgrading.submit("submit-job", "again", Version.FIRST);
                    }));
            upgrading.expectEnding(ends.getFirst(), Upgrading.UPGRADED);
            trial.expect(
                    trial.mayEndOtherwise()
                            || ends.getLast().at("/outcome").equals("ADOPTED")
                            || ends.getLast().end().equals("JOB_ALREADY_RUNNING"),
                    "The old version's submission came to " + ends);
            upgrading.afterwards(ends.getFirst(), Version.SECOND);
        }
    },
    /** Functions are killed at random moments of an upgrade. */
    UPGRADE_JOB_KILLED_AT_RANDOM {
        @Override
        void run(Trial trial) {
            Upgrading upgrading = Upgrading.of(trial);
            trial.killAtRandom(4);
            if (trial.random.nextBoolean()) {
                upgrading.to(Version.SECOND, Follower.JOB_STATUS, Upgrading.UPGRADED);
            } else {
                upgrading.to(Version.CRASHING, Follower.UPGRADE_JOB, Upgrading.ROLLED_BACK);
            }
        }
    },
    /** During an upgrade the clock of every other call is five minutes ahead. */
    UPGRADE_JOB_CLOCK_AHEAD {
        @Override
        void run(Trial trial) {
            upgradeWithClock(trial, Duration.ofMinutes(5));
        }
    },
    /** During an upgrade the clock of every other call is five minutes behind. */
    UPGRADE_JOB_CLOCK_BEHIND {
        @Override
        void run(Trial trial) {
            upgradeWithClock(trial, Duration.ofMinutes(-5));
        }
    };

    /** About as long as an upgrade takes when nothing happens to it. */
    private static final int LONGEST_UPGRADE_MILLIS = 8000;

    private static final String LATEST = ", \"restore\": {\"mode\": \"LATEST\"}";
    private static final String RERUN = ", \"onUnknown\": \"RERUN\"";
    private static final String CANCEL_MODE = ", \"mode\": \"CANCEL\"";

    /** Those of which every call gets every fault. */
    static List<History> withEachCall() {
        return List.of(SUBMIT, RUN, ADOPT, TRY_AGAIN, UPGRADE, SAVEPOINT, STOP, DRAIN, CANCEL);
    }

    /** Those of which every call gets every fault, on Managed Flink. */
    static List<History> ofApplications() {
        return List.of(SUBMIT, ADOPT, TRY_AGAIN, UPGRADE, SAVEPOINT, STOP, CANCEL);
    }

    /** Those that bring their trouble along, on every cluster. */
    static List<History> onEveryCluster() {
        return onTheirOwn().stream()
                .filter(history -> history != SAVEPOINT_BLOCKED)
                .toList();
    }

    /** Those that bring their trouble along. */
    static List<History> onTheirOwn() {
        return List.of(
                COPIES_2,
                COPIES_10,
                SAVEPOINT_COPIES_2,
                TWO_REQUESTS,
                UPGRADE_AND_SWEEP,
                SUBMIT_AND_KILL,
                STALE_KILL,
                STOP_FIRST,
                PAUSED_POSTER,
                KILLED_AT_RANDOM,
                SAVEPOINT_BLOCKED);
    }

    /** Those with functions whose clocks are wrong, which are processes of their own. */
    static List<History> withWrongClocks() {
        return List.of(CLOCK_AHEAD, CLOCK_BEHIND);
    }

    /** Upgrades of which every call gets every fault. */
    static List<History> upgradesWithEachCall() {
        return List.of(
                UPGRADE_JOB,
                UPGRADE_JOB_REPEATED,
                UPGRADE_JOB_SWEPT,
                UPGRADE_JOB_CRASHING,
                UPGRADE_JOB_CRASHING_SWEPT,
                UPGRADE_JOB_SOURING,
                UPGRADE_JOB_BLOCKED);
    }

    /** Upgrades that bring their trouble along. */
    static List<History> upgradesOnTheirOwn() {
        return List.of(
                UPGRADE_JOB_SOURING_ACCEPTED,
                UPGRADE_JOB_COPIES_2,
                UPGRADE_JOB_TWICE,
                UPGRADE_JOB_BETWEEN,
                UPGRADE_JOB_AND_STOP,
                UPGRADE_JOB_AND_SUBMIT,
                UPGRADE_JOB_KILLED_AT_RANDOM);
    }

    /** Upgrades with functions whose clocks are wrong. */
    static List<History> upgradesWithWrongClocks() {
        return List.of(UPGRADE_JOB_CLOCK_AHEAD, UPGRADE_JOB_CLOCK_BEHIND);
    }

    /** Whether it is about {@code upgrade-job}; its faults count apart from those of other histories. */
    boolean upgrades() {
        return name().startsWith(UPGRADE_JOB.name());
    }

    /** Plays the history to its end. */
    abstract void run(Trial trial);

    private static String running(Trial trial) {
        Settled submitted = trial.submit("set-up", trial.id, 1, "STREAM", "");
        String id = submitted.at("/job/flinkJobId");
        trial.awaitRunning(id);
        trial.atMidway();
        return id;
    }

    private static void anyOf(Trial trial) {
        List<History> histories = new ArrayList<>(List.of(SUBMIT, ADOPT, UPGRADE, SAVEPOINT, STOP, CANCEL, COPIES_2));
        if (trial.lab().cluster.runsBoundedJobs()) {
            histories.add(RUN);
        }
        histories.get(trial.random.nextInt(histories.size())).run(trial);
    }

    private static void withClock(Trial trial, Duration ahead) {
        trial.setClockWrong(ahead);
        anyOf(trial);
    }

    private static void upgradeWithClock(Trial trial, Duration ahead) {
        Upgrading upgrading = Upgrading.of(trial);
        trial.setClockWrong(ahead);
        upgrading.to(Version.SECOND, Follower.JOB_STATUS);
    }

    private static void unblock(AutoCloseable block) {
        try {
            block.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** What Airflow asks for when it kills a task. */
    private static String onKill(Trial trial, int tryNumber) {
        return """
                {"requestId": "%s/kill", "try": 1, "cluster": "%s", "jobName": "%s", "mode": "CANCEL",
                 "owner": {"requestId": "%s", "try": %d}}
                """.formatted(trial.id, Lab.CLUSTER, trial.job, trial.id, tryNumber);
    }

    private static boolean lives(Trial trial) {
        return trial.executions().stream().anyMatch(execution -> execution.end() == null);
    }

    private static void awaitFault(Trial trial) {
        Instant giveUp = Instant.now().plusSeconds(5);
        while (!trial.lab().proxy.underWay(trial.label("submit-job"), Fault.Kind.FREEZE)
                && Instant.now().isBefore(giveUp)) {
            Trial.pause(20);
        }
    }

    private static void copies(Trial trial, int number) {
        List<Callable<Settled>> copies = new ArrayList<>();
        for (int i = 0; i < number; i++) {
            copies.add(() -> trial.submit("submit-job", trial.id, 1, "STREAM", ""));
        }
        atOnce(copies);
    }

    private static List<Settled> atOnce(List<Callable<Settled>> actions) {
        List<Settled> ends = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Settled> action : threads.invokeAll(actions)) {
                ends.add(action.get());
            }
            return ends;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
