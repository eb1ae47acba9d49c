package io.sluiceway.faults;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The cluster that a lab's functions submit to, and what only its kind can tell of it. */
interface LabCluster extends AutoCloseable {
    /** Where the proxy finds what the functions ask of it. */
    Map<Service, URI> services();

    /** Which calls are those of the cluster, as a pattern of their names. */
    String calls();

    /** The call that stops a job with a savepoint. */
    String stopCall();

    /** Its settings, as JSON, for functions that the proxy knows as this caller. */
    String settings(FaultProxy.Caller caller);

    /** More of the environment of functions that the proxy knows as this caller. */
    Map<String, String> environment(FaultProxy.Caller caller);

    /** Whether it runs bounded jobs. */
    boolean runsBoundedJobs();

    /** What makes the test job an endless one, or a bounded one. */
    List<String> arguments(boolean endless);

    /**
     * What makes the test job a version of one that counts.
     *
     * @param into where it writes what it has counted
     * @param version tells it from others that behave alike
     */
    List<String> arguments(String behaviour, Path into, String version);

    /** Whether it tells how many checkpoints a job has completed. */
    boolean countsCheckpoints();

    /** How long a version has to prove itself, at least. */
    Duration judgement();

    /** All savepoints that there are of a job, as paths. */
    Set<String> savepoints(String job);

    /**
     * The path by which the cluster is asked for a savepoint.
     *
     * @param place where Flink says that it lies
     */
    String savepointAt(String place);

    /** Lets no savepoint of a job be written until the answer is closed; nothing of it may have been saved yet. */
    AutoCloseable blockSavepoints(String job);

    /** How many starts of a job came to nothing, by what the cluster says itself; Flink never heard of some of them. */
    int failedStarts(String job);

    /** Whether nothing that was asked of it about a job is still under way. */
    boolean isAtRest(String job);

    /** Ends what still runs of a job. */
    void end(String job);

    /** Forgets a job that has been judged. */
    void forget(String job);

    @Override
    void close();
}
