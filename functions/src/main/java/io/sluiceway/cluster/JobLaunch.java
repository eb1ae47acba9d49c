package io.sluiceway.cluster;

import io.sluiceway.jar.JarDigest;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobSpec;

/**
 * One attempt, ready to be run.
 *
 * @param id the id it is to have
 * @param spec what is to run
 * @param jar the digest of a jar that the cluster has
 */
public record JobLaunch(FlinkJobId id, JobSpec spec, JarDigest jar) {}
