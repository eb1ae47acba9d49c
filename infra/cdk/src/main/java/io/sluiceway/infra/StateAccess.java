package io.sluiceway.infra;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toCollection;

import io.sluiceway.infra.settings.Cluster;
import io.sluiceway.infra.settings.S3Directory;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import software.amazon.awscdk.Stack;

/**
 * Where the clusters' savepoints and checkpoints lie, as IAM is told.
 *
 * @param prefixes the prefixes of their keys, by bucket
 */
record StateAccess(SortedMap<String, SortedSet<String>> prefixes) {
    /**
     * What means something in a condition of IAM; put between <code>${</code> and <code>}</code> it stands for itself.
     */
    private static final Pattern SPECIAL = Pattern.compile("[*?$]");

    /**
     * Gathers the roots that are in S3.
     *
     * @param clusters the clusters that the functions may use
     * @return all of them
     */
    static StateAccess to(Collection<Cluster> clusters) {
        return new StateAccess(clusters.stream()
                .flatMap(cluster -> cluster.stateRoots().stream())
                .collect(groupingBy(
                        S3Directory::bucket, TreeMap::new, mapping(S3Directory::prefix, toCollection(TreeSet::new)))));
    }

    /**
     * Lets a function see which savepoints and checkpoints there are: list their keys, and read none of them.
     *
     * @param function a function that looks for savepoints
     */
    void grantTo(SluicewayFunction function) {
        int number = 0;
        for (Map.Entry<String, SortedSet<String>> bucket : prefixes.entrySet()) {
            number++;
            function.allow(
                    "ListSavepointsAndCheckpoints" + number,
                    List.of("s3:ListBucket"),
                    List.of(BucketArn.of(Stack.of(function), bucket.getKey())),
                    only(bucket.getValue()));
        }
    }

    /** The condition that only keys with one of these prefixes are listed. */
    private static Map<String, Map<String, List<String>>> only(Collection<String> prefixes) {
        if (prefixes.contains("")) {
            return Map.of();
        }
        List<String> patterns = prefixes.stream()
                .map(prefix -> SPECIAL.matcher(prefix).replaceAll("\\${$0}") + "*")
                .toList();
        return Map.of("StringLike", Map.of("s3:prefix", patterns));
    }
}
