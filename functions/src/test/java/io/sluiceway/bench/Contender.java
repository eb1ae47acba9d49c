package io.sluiceway.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A way to run a function on Lambda.
 *
 * @param name what tables call it
 * @param artifact the directory of what is deployed, unpacked
 * @param zipped how many bytes are uploaded
 * @param command what Lambda starts
 * @param environment more of what its process finds
 * @param submitsAlone whether it is there for submit-job on a session cluster alone
 */
record Contender(
        String name,
        Path artifact,
        long zipped,
        List<String> command,
        Map<String, String> environment,
        boolean submitsAlone) {
    /** All files of the artifact, which a start may have to read from the disk. */
    List<Path> files() {
        try (Stream<Path> files = Files.walk(artifact)) {
            return files.filter(Files::isRegularFile).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the same under another name, with other settings} */
    Contender with(String otherName, Map<String, String> settings) {
        return new Contender(otherName, artifact, zipped, command, settings, submitsAlone);
    }

    /** {@return the name as a job or a file can have it} */
    String plainName() {
        return name.replaceAll("\\W+", "-");
    }
}
