package io.sluiceway.savepoint.storage;

import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Savepoints and checkpoints in the file system of the machine that the function runs on. It is the cluster's own only
 * where both run on one machine or mount the same.
 */
final class FileSavepointStore implements SavepointStore {
    private static final Pattern LOCATION = Pattern.compile("file:(?<path>/[^/].*)");

    @Override
    public Listing list(StoragePath directory, Deadline deadline) {
        Matcher location = LOCATION.matcher(directory.value());
        if (!location.matches()) {
            return new Listing.NotReadable(
                    "%s names another machine; a directory of this one is file:/ and its path.".formatted(directory),
                    true);
        }
        List<StoredState> states = new ArrayList<>();
        int looked = 0;
        try (DirectoryStream<Path> children =
                Files.newDirectoryStream(Path.of(location.group("path")), Files::isDirectory)) {
            for (Path child : children) {
                if (deadline.remaining().isZero()) {
                    return Children.timeIsUp(directory);
                }
                if (++looked > Children.MOST) {
                    return Children.tooMany(directory, Children.MOST);
                }
                state(child, directory).ifPresent(states::add);
            }
        } catch (NoSuchFileException e) {
            return new Listing.Found(List.of());
        } catch (IOException | DirectoryIteratorException e) {
            return notReadable(directory, e);
        }
        return new Listing.Found(states);
    }

    private static Optional<StoredState> state(Path child, StoragePath directory) throws IOException {
        Optional<StoragePath> path = Children.named(child.getFileName().toString(), directory);
        if (path.isEmpty()) {
            return Optional.empty();
        }
        try {
            BasicFileAttributes metadata =
                    Files.readAttributes(child.resolve(Children.METADATA), BasicFileAttributes.class);
            return metadata.isRegularFile()
                    ? Optional.of(new StoredState(
                            path.get(), metadata.lastModifiedTime().toInstant()))
                    : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static Listing notReadable(StoragePath directory, Exception e) {
        String reason = switch (e) {
            case AccessDeniedException _ -> "The function has no right to read %s.";
            case NotDirectoryException _ -> "%s is a file and no directory.";
            default -> "%s couldn't be read.";
        };
        return new Listing.NotReadable(reason.formatted(directory), false);
    }
}
