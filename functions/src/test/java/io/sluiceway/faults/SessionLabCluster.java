package io.sluiceway.faults;

import io.sluiceway.testing.FlinkProcesses;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A Flink session cluster, which the functions ask by its REST API. */
record SessionLabCluster(FlinkProcesses flink, FlinkView view, Path savepoints, PrintStream out) implements LabCluster {
    static SessionLabCluster of(FlinkProcesses flink, FlinkView view, Path directory) {
        try {
            return new SessionLabCluster(
                    flink, view, Files.createDirectories(directory.resolve("flink/savepoints")), System.out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Map<Service, URI> services() {
        return Map.of(Service.FLINK, flink.url());
    }

    @Override
    public String calls() {
        return "flink .*";
    }

    @Override
    public String stopCall() {
        return "flink POST /jobs/:jobid/stop";
    }

    @Override
    public String settings(FaultProxy.Caller caller) {
        return "{\"type\": \"SESSION\", \"url\": \"%s\", \"savepointRoot\": \"%s\"}"
                .formatted(caller.url(Service.FLINK), flink.savepointRoot());
    }

    @Override
    public Map<String, String> environment(FaultProxy.Caller caller) {
        return Map.of();
    }

    @Override
    public boolean runsBoundedJobs() {
        return true;
    }

    @Override
    public List<String> arguments(boolean endless) {
        return List.of(endless ? "endless" : "bounded");
    }

    @Override
    public List<String> arguments(String behaviour, Path into, String version) {
        return List.of(behaviour, into.toString(), version);
    }

    @Override
    public boolean countsCheckpoints() {
        return true;
    }

    @Override
    public Duration judgement() {
        return Duration.ofMinutes(1);
    }

    @Override
    public Set<String> savepoints(String job) {
        return Evidence.savepointsBelow(savepoints.resolve(job));
    }

    @Override
    public String savepointAt(String place) {
        return place;
    }

    @Override
    public AutoCloseable blockSavepoints(String job) {
        return flink.blockSavepoints(job);
    }

    @Override
    public int failedStarts(String job) {
        return 0;
    }

    @Override
    public boolean isAtRest(String job) {
        return !view.isStarting(job);
    }

    @Override
    public void end(String job) {
        for (FlinkView.Execution execution : view.executions(job)) {
            if (execution.end() == null) {
                try {
                    view.cancel(execution.flinkJobId());
                } catch (IOException e) {
                    // Its JobManager is being replaced; the sweep behind the wave finds what is left.
                    out.println("Job " + execution.flinkJobId() + " wasn't cancelled: " + e);
                }
            }
        }
    }

    @Override
    public void forget(String job) {}

    @Override
    public void close() {}
}
