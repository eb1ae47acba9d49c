package io.sluiceway.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What there is to judge a trial by.
 *
 * @param job the name of its job
 * @param calls what was asked and answered
 * @param unsettled the steps that never came to an end that a caller can act on
 * @param disappointments what the history itself expected and didn't see
 * @param executions what Flink ran under the job's name
 * @param table the ledger as it is stored
 * @param savepoints the directories of the job that hold a {@code _metadata}
 * @param jobManagers how many JobManagers there were in its time
 * @param courses where the executions began, by the cluster's own paths, and how far they came, by Flink job id
 * @param counted what the job has counted, where it is one that counts
 * @param failedStarts how many starts came to nothing, by what the cluster says
 */
record Evidence(
        String job,
        List<Trial.Call> calls,
        List<String> unsettled,
        List<String> disappointments,
        List<FlinkView.Execution> executions,
        LedgerView.Table table,
        Set<String> savepoints,
        int jobManagers,
        Map<String, FlinkView.Course> courses,
        Counted counted,
        int failedStarts) {
    /**
     * What a {@link io.sluiceway.testjob.TestJob} that counts has written.
     *
     * @param lines each with a number and how often its remainder was there
     * @param once whether each number has to be there just once
     */
    record Counted(List<String> lines, boolean once) {
        static final Counted NOTHING = new Counted(List.of(), false);

        /** Reads the whole lines of a file, where there is one: the last may be about to be written. */
        static Counted in(Path file, boolean once) {
            try {
                String text = Files.exists(file) ? Files.readString(file) : "";
                return new Counted(
                        text.substring(0, text.lastIndexOf('\n') + 1).lines().toList(), once);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The directories below one that hold a complete savepoint. */
    static Set<String> savepointsBelow(Path directory) {
        if (!Files.isDirectory(directory)) {
            return Set.of();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.endsWith("_metadata"))
                    .map(file -> file.getParent().toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
