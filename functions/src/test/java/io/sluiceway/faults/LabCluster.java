package io.sluiceway.faults;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The cluster that a lab's functions submit to, and what only its kind can tell of it. */
interface LabCluster extends AutoCloseable {
    /** Where the proxy finds what the functions ask of it. */
    Map<Service, URI> services();

    /**
     * Which calls are the cluster's own, and what they begin with.
     *
     * @return such as {@code flink}
     */
    String calls();

    /** Its settings, as JSON, for functions that the proxy knows as this caller. */
    String settings(FaultProxy.Caller caller);

    /** More of the environment of functions that the proxy knows as this caller. */
    Map<String, String> environment(FaultProxy.Caller caller);

    /** Whether it runs bounded jobs. */
    boolean runsBoundedJobs();

    /** What makes the test job an endless one, or a bounded one. */
    List<String> arguments(boolean endless);

    /** All savepoints that there are of a job, as paths. */
    Set<String> savepoints(String job);

    /** Whether nothing that was asked of it about a job is still under way. */
    boolean isAtRest(String job);

    /** Ends what still runs of a job. */
    void end(String job);

    /** Forgets a job that has been judged. */
    void forget(String job);

    @Override
    void close();
}
