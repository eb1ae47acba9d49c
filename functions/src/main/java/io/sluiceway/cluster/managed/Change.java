package io.sluiceway.cluster.managed;

/** What came of a call that was to change something: each of the service's errors has one of these meanings. */
sealed interface Change {
    /** It was done, or has begun. */
    record Done() implements Change {}

    /**
     * Nothing was done: what was to be changed is in another state or version than was thought, or what was to be made
     * is there. Look again, then decide.
     *
     * @param reason the service's own words
     */
    record Conflict(String reason) implements Change {}

    /** Nothing was done: there is no such application or snapshot. */
    record NotThere() implements Change {}

    /**
     * Nothing was done, and nothing will be for the same call.
     *
     * @param error the name of the service's error
     * @param reason the service's own words
     */
    record Refused(String error, String reason) implements Change {}

    /**
     * No whole answer came: it may have been done, or may yet be.
     *
     * @param reason what happened to the answer
     */
    record Lost(String reason) implements Change {}
}
