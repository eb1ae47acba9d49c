package io.sluiceway.infra;

import io.sluiceway.infra.settings.JarSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import software.amazon.awscdk.Stack;

/**
 * Where jars may be read from, as IAM and the functions are told.
 *
 * @param bucketNames the buckets, each once
 * @param bucketArns the same buckets
 * @param jarArns the jars in them, by prefix
 */
record JarAccess(List<String> bucketNames, List<String> bucketArns, List<String> jarArns) {

    /**
     * Gathers the jobs bucket and the other places.
     *
     * @param stack the stack that the bucket is in
     * @param jobs the jobs bucket
     * @param others where jars may come from besides
     * @return all of them
     */
    static JarAccess to(Stack stack, JobsBucket jobs, List<JarSource> others) {
        Set<String> names = new LinkedHashSet<>(List.of(jobs.name()));
        Set<String> buckets = new LinkedHashSet<>(List.of(jobs.arn()));
        List<String> jars = new ArrayList<>(List.of(jobs.arn() + "/" + JobsBucket.JARS + "*"));
        for (JarSource source : others) {
            String arn = BucketArn.of(stack, source.bucket());
            names.add(source.bucket());
            buckets.add(arn);
            jars.add(arn + "/" + source.prefix() + "*");
        }
        return new JarAccess(List.copyOf(names), List.copyOf(buckets), List.copyOf(jars));
    }

    /**
     * Lets a function read the jars, the newest or a given version. It may list the buckets too, because S3 tells only
     * those who may that a jar is missing; to others it is forbidden.
     *
     * @param function a function that starts jobs
     */
    void grantTo(SluicewayFunction function) {
        function.allow("ReadJars", List.of("s3:GetObject", "s3:GetObjectVersion"), jarArns);
        function.allow("TellMissingJarsFromForbiddenOnes", List.of("s3:ListBucket"), bucketArns);
        Nag.accept(
                function.policy(),
                "AwsSolutions-IAM5",
                "Jars get their names from whoever uploads them, so the policy can name no more than the prefix that"
                        + " holds jars; it lets the function read there and nothing else.",
                Nag.BELOW);
    }
}
