package io.sluiceway.control.property;

import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.control.StopJob.Mode;
import io.sluiceway.job.JobState;
import java.time.Duration;
import java.util.List;

/** What happens next: somebody calls a function, or something happens around it. */
sealed interface Step {
    /** A job of the world: a STREAM or a RUN. */
    enum Name {
        STREAM,
        RUN
    }

    /** What is submitted. */
    enum Variant {
        ENDLESS,
        ENDLESS_LATEST,
        /** As ENDLESS_LATEST, its jar's digest not given: another payload that runs the same. */
        SAME_LATEST,
        /** Another specification. */
        WIDE_LATEST,
        BOUNDED,
        FAILING_LATEST,
        REFUSING_LATEST,
        STUMBLING_LATEST
    }

    /** A request, a try of it, by number. */
    record Asker(int request, int tryNumber) {
        @Override
        public String toString() {
            return (char) ('a' + request) + "/" + tryNumber;
        }
    }

    /** What a call acts on: the STREAM by its name, or one of the attempts that there are. */
    record Aim(int attempt) {
        @Override
        public String toString() {
            return attempt < 0 ? "by name" : "attempt " + attempt;
        }
    }

    /** What is called. */
    sealed interface Verb {
        record Submit(Name name, Asker asker, Variant variant, boolean rerun) implements Verb {
            @Override
            public String toString() {
                return "submit %s %s %s%s".formatted(name, asker, variant, rerun ? " rerun" : "");
            }
        }

        /** Stops a job; nobody may be named as its owner. */
        record Stop(Asker asker, Aim aim, Asker owner, Mode mode) implements Verb {
            @Override
            public String toString() {
                return "stop %s %s %s%s".formatted(asker, aim, mode, owner == null ? "" : " of " + owner);
            }
        }

        record Take(Asker asker, Aim aim) implements Verb {
            @Override
            public String toString() {
                return "take %s %s".formatted(asker, aim);
            }
        }

        record ObserveJob(Aim aim) implements Verb {
            @Override
            public String toString() {
                return "observe %s".formatted(aim);
            }
        }

        record ObserveOperation(int operation) implements Verb {
            @Override
            public String toString() {
                return "observe operation %s".formatted(operation);
            }
        }
    }

    /** Somebody calls. */
    record Call(Verb verb, Caller caller, List<Trouble> troubles) implements Step {
        @Override
        public String toString() {
            return verb + caller.toString() + (troubles.isEmpty() ? "" : " " + troubles);
        }
    }

    /**
     * Who calls.
     *
     * @param clockSeconds by how much its clock is fast
     * @param patient whether it has five minutes rather than 20 seconds
     */
    record Caller(int clockSeconds, boolean patient) {
        @Override
        public String toString() {
            return (clockSeconds == 0 ? "" : " clock %+d s".formatted(clockSeconds)) + (patient ? " patient" : "");
        }
    }

    /** What happens around the calls. */
    sealed interface Event extends Step {
        record Time(Duration passes) implements Event {}

        record JobEnds(int living, JobState how) implements Event {}

        record JobRestarts(int living) implements Event {}

        /** It fails so often that it is unhealthy, and runs. */
        record JobAils(int living) implements Event {}

        record Checkpoint(int living) implements Event {}

        record SavepointsEnd(SavepointEnd how) implements Event {}

        record SavepointRemoved(int which) implements Event {}

        record JobManagerReplaced(boolean highlyAvailable) implements Event {}

        record EndedJobsForgotten() implements Event {}

        record TriggersForgotten() implements Event {}

        record Delivered(int message) implements Event {}

        record JarRemoved(boolean removed) implements Event {}

        record ClusterDown(boolean down) implements Event {}

        record StoreUnreadable(boolean unreadable) implements Event {}
    }

    /** Which of the calls to a port something happens at. */
    enum Where {
        ANY,
        READ,
        COMMIT,
        LOOK,
        ACT,
        RUN,
        PUBLISH
    }

    /** What happens at one call to a port. */
    record Trouble(Where where, int number, Happening what) {
        @Override
        public String toString() {
            return "at %s %d: %s".formatted(where, number, what);
        }
    }

    /** What can happen at a call to a port. */
    sealed interface Happening {
        /** The calling process is killed. */
        record Killed(boolean afterwards) implements Happening {}

        /** The call arrives nowhere, and the caller knows. */
        record Unreachable() implements Happening {}

        /** Nobody answers what comes before the call itself. */
        record TimedOut() implements Happening {}

        /** No answer comes. */
        record Unanswered(boolean arrived) implements Happening {}

        /** No answer comes, and the call arrives later. */
        record Delayed() implements Happening {}

        /** The ledger says that somebody else was faster, and wrote nothing. */
        record Conflict() implements Happening {}

        /** The process is paused; this happens meanwhile. */
        record Paused(boolean afterwards, List<Step> meanwhile) implements Happening {}
    }
}
