package io.sluiceway.cluster;

/** How a cluster took the request to run a job. */
public sealed interface RunAnswer {
    /** It runs the job. */
    record Started() implements RunAnswer {}

    /** It has seen the job's id before and didn't run it again. */
    record DuplicateId() implements RunAnswer {}

    /** The time to ask it was up, so it wasn't asked. */
    record TooLate() implements RunAnswer {}

    /**
     * No answer came, so the job may have been started or may yet be: ask for its id.
     *
     * @param reason what happened to the answer
     */
    record AnswerLost(String reason) implements RunAnswer {}
}
