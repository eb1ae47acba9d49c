package io.sluiceway.jobs.flightdelays;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;

/** Keeps a Flink of the tests to this machine: by itself it listens on all of its addresses. */
final class Loopback {

    private static final String ADDRESS = "127.0.0.1";

    private Loopback() {}

    /** A configuration that binds every server to the loopback address. */
    static Configuration configuration() {
        return new Configuration()
                .set(RestOptions.BIND_ADDRESS, ADDRESS)
                .set(RestOptions.ADDRESS, ADDRESS)
                .set(JobManagerOptions.BIND_HOST, ADDRESS)
                .set(JobManagerOptions.ADDRESS, ADDRESS)
                .set(TaskManagerOptions.BIND_HOST, ADDRESS)
                .set(TaskManagerOptions.HOST, ADDRESS);
    }
}
