package io.sluiceway.control.property;

import java.util.List;

/** A promise was broken. */
final class Violation extends AssertionError {
    /** What is promised. */
    enum Promise {
        ONE_RUN_PER_ATTEMPT,
        ONE_LIVING_ATTEMPT_PER_STREAM,
        ONE_LIVING_ATTEMPT_PER_REQUEST,
        ONE_SAVEPOINT_PER_OPERATION,
        NO_JOB_WITHOUT_A_RECORD,
        NO_STREAM_WITHOUT_ITS_STATE,
        SLOT_HELD_BY_THE_LIVING_ATTEMPT,
        STATES_GO_FORWARD,
        REFUSED_NEVER_RUNS,
        REFUSAL_IS_FOR_GOOD,
        SAVEPOINTS_ARE_THERE,
        SAVEPOINTS_ARE_RECORDED,
        STOPPED_JOBS_HAVE_ENDED,
        ONE_ANSWER_PER_TRY,
        CANCELLED_REQUESTS_STAY_SO,
        HISTORY_GROWS,
        EVERYTHING_IS_TOLD,
        HEALTH_IS_TOLD_IN_TURN,
        EVENTS_ARE_NUMBERED_WITHOUT_GAPS,
        EVENTS_ARE_PUBLISHED,
        EVERYTHING_ENDS,
        PLANS_HAVE_NO_EFFECT,
        PLANS_ARE_WHAT_IS_DONE,
        NOTHING_UNEXPECTED
    }

    private static final long serialVersionUID = 1;

    private final Promise promise;
    private String story = "";

    Violation(Promise promise, String what) {
        super(promise + ": " + what);
        this.promise = promise;
    }

    /** What led to it, a line each. */
    void tell(List<String> lines) {
        story = "\n  " + String.join("\n  ", lines);
    }

    @Override
    public String getMessage() {
        return super.getMessage() + story;
    }

    Promise promise() {
        return promise;
    }
}
