package io.sluiceway.faults;

import java.time.Duration;
import java.util.List;
import java.util.Random;

/** A process of the cluster is killed, and another takes its place, while several histories go on. */
enum Restart {
    /** The JobManager is replaced by one that knows nothing of its jobs. */
    JOBMANAGER_RESTART {
        @Override
        List<History> histories() {
            return List.of(
                    History.SUBMIT,
                    History.SUBMIT_OR_RERUN,
                    History.RUN,
                    History.COPIES_2,
                    History.TWO_REQUESTS,
                    History.ADOPT,
                    History.SAVEPOINT,
                    History.STOP,
                    History.UPGRADE,
                    History.CANCEL);
        }

        @Override
        void happen(Lab lab) {
            lab.flink.killJobManager();
            lab.flink.startJobManager();
        }
    },
    /** The JobManager is replaced by one that goes on with its jobs. */
    JOBMANAGER_RESTART_HA {
        @Override
        List<History> histories() {
            return JOBMANAGER_RESTART.histories();
        }

        @Override
        boolean highlyAvailable() {
            return true;
        }

        @Override
        void happen(Lab lab) {
            JOBMANAGER_RESTART.happen(lab);
        }
    },
    /** The TaskManager is replaced while jobs are submitted. */
    TASKMANAGER_KILLED_DURING_SUBMIT {
        @Override
        List<History> histories() {
            return List.of(
                    History.SUBMIT,
                    History.RUN,
                    History.COPIES_2,
                    History.TWO_REQUESTS,
                    History.SUBMIT,
                    History.TRY_AGAIN,
                    History.COPIES_2,
                    History.RUN);
        }

        @Override
        void happen(Lab lab) {
            lab.flink.replaceTaskManager();
        }
    },
    /** The TaskManager is replaced while savepoints are taken. */
    TASKMANAGER_KILLED_DURING_SAVEPOINT {
        @Override
        List<History> histories() {
            return List.of(
                    History.SAVEPOINT,
                    History.STOP,
                    History.DRAIN,
                    History.SAVEPOINT_COPIES_2,
                    History.UPGRADE,
                    History.SAVEPOINT,
                    History.STOP,
                    History.SAVEPOINT);
        }

        @Override
        void happen(Lab lab) {
            lab.flink.replaceTaskManager();
        }

        @Override
        boolean hasToRun() {
            return true;
        }
    },
    /** The JobManager is replaced by one that knows nothing of its jobs, at any moment of upgrades. */
    UPGRADE_JOB_JOBMANAGER_RESTART {
        @Override
        List<History> histories() {
            return List.of(
                    History.UPGRADE_JOB,
                    History.UPGRADE_JOB_REPEATED,
                    History.UPGRADE_JOB_SWEPT,
                    History.UPGRADE_JOB_CRASHING,
                    History.UPGRADE_JOB_CRASHING_SWEPT,
                    History.UPGRADE_JOB_SOURING,
                    History.UPGRADE_JOB_SOURING_ACCEPTED,
                    History.UPGRADE_JOB_AND_STOP);
        }

        @Override
        void happen(Lab lab) {
            JOBMANAGER_RESTART.happen(lab);
        }

        @Override
        boolean ofUpgrades() {
            return true;
        }
    },
    /** The JobManager is replaced by one that goes on with its jobs, at any moment of upgrades. */
    UPGRADE_JOB_JOBMANAGER_RESTART_HA {
        @Override
        List<History> histories() {
            return UPGRADE_JOB_JOBMANAGER_RESTART.histories();
        }

        @Override
        boolean highlyAvailable() {
            return true;
        }

        @Override
        void happen(Lab lab) {
            JOBMANAGER_RESTART.happen(lab);
        }

        @Override
        boolean ofUpgrades() {
            return true;
        }
    },
    /** The TaskManager is replaced at any moment of upgrades. */
    UPGRADE_JOB_TASKMANAGER_KILLED {
        @Override
        List<History> histories() {
            return UPGRADE_JOB_JOBMANAGER_RESTART.histories();
        }

        @Override
        void happen(Lab lab) {
            lab.flink.replaceTaskManager();
        }

        @Override
        boolean ofUpgrades() {
            return true;
        }
    };

    private static final int LATEST_MILLIS = 2500;
    private static final int LATEST_WITH_ALL_RUNNING_MILLIS = 1000;

    /** An upgrade that nothing happens to is over by then. */
    private static final int LATEST_OF_UPGRADES_MILLIS = 9000;

    /** Whether it needs a cluster that survives its JobManager. */
    boolean highlyAvailable() {
        return false;
    }

    /** What goes on at the same time. */
    abstract List<History> histories();

    /** Whether it happens only when the histories' jobs run. */
    boolean hasToRun() {
        return ofUpgrades();
    }

    /** Whether its histories are upgrades. */
    boolean ofUpgrades() {
        return false;
    }

    /** How often a history goes on at the same time at the most: upgrades take long, and ask for much. */
    int mostAlike() {
        return ofUpgrades() ? 1 : 2;
    }

    Duration delay(Random random) {
        if (ofUpgrades()) {
            return Duration.ofMillis(random.nextInt(LATEST_OF_UPGRADES_MILLIS));
        }
        return Duration.ofMillis(random.nextInt(hasToRun() ? LATEST_WITH_ALL_RUNNING_MILLIS : LATEST_MILLIS));
    }

    abstract void happen(Lab lab);
}
