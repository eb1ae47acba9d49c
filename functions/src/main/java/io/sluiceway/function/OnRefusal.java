package io.sluiceway.function;

/** How a caller wants to hear of a refusal. */
public enum OnRefusal {
    /**
     * The function fails; the error's text is the code, a colon and the refusal as JSON. A stock Airflow task fails,
     * and an asynchronous event reaches its dead-letter queue.
     */
    THROW,
    /** The function succeeds and answers with the refusal. */
    ANSWER
}
