package io.sluiceway.control;

import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;
import java.net.URI;

/**
 * One attempt of a request, and the Flink job that it is.
 *
 * @param spec what is to run
 * @param attempt the number of the attempt, from 1
 * @param flinkJobId the id derived from the request
 * @param jobPage where a person sees it
 */
public record Submission(JobSpec spec, int attempt, FlinkJobId flinkJobId, URI jobPage) {}
