package io.sluiceway.cluster;

/** How many checkpoints a job had completed when it ended. */
public sealed interface CheckpointsAtEnd {
    /**
     * So many.
     *
     * @param completed savepoints included, as its JobManager counts them
     */
    record Counted(long completed) implements CheckpointsAtEnd {}

    /** It takes none. */
    record TakesNone() implements CheckpointsAtEnd {}

    /** It lives, or what the cluster shows may be from before its end. */
    record NotToldYet() implements CheckpointsAtEnd {}

    /** Nobody can tell: the cluster doesn't know the job (any more), or keeps its checkpoints to itself. */
    record NotTold() implements CheckpointsAtEnd {}
}
