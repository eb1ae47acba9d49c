package io.sluiceway.faults;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
 */
record Evidence(
        String job,
        List<Trial.Call> calls,
        List<String> unsettled,
        List<String> disappointments,
        List<FlinkView.Execution> executions,
        LedgerView.Table table,
        Set<String> savepoints,
        int jobManagers) {

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
