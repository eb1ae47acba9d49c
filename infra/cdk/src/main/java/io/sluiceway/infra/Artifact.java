package io.sluiceway.infra;

import io.sluiceway.infra.settings.Architecture;
import io.sluiceway.infra.settings.Packaging;
import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.SettingsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The file that is deployed as the functions' code. A binary of another architecture would be deployed all the same,
 * and then each call would fail, so what a package has for one architecture alone is held against the settings before.
 */
final class Artifact {
    /** The first bytes of a binary, up to its machine: see {@code Elf64_Ehdr} in elf(5). */
    private static final int HEADER = 20;

    private static final int MAGIC = 0x7F454C46;
    private static final int MACHINE = 18;

    private Artifact() {}

    /**
     * Finds it.
     *
     * @param directory what the build of the functions writes to
     * @throws SettingsException when it isn't there, or is for another architecture
     */
    static Path find(Settings settings, Path directory) {
        Packaging packaging = settings.packaging();
        Path artifact = directory.resolve(packaging.artifact());
        if (!Files.isRegularFile(artifact)) {
            throw new SettingsException("There is no %s, the artifact of packaging %s: run '%s' first."
                    .formatted(artifact, packaging, packaging.command()));
        }
        binary(packaging).ifPresent(binary -> check(artifact, binary, settings));
        return artifact;
    }

    /** What in a package runs on one architecture alone, by its name in the zip. */
    private static Optional<String> binary(Packaging packaging) {
        return switch (packaging) {
            case NATIVE -> Optional.of("bootstrap");
            case JVM_AOT -> Optional.of("runtime/bin/java");
            case JVM_MANAGED, JVM_LOCAL -> Optional.empty();
        };
    }

    private static void check(Path artifact, String binary, Settings settings) {
        int wanted = machine(settings.architecture());
        int found = machine(artifact, binary);
        if (found != wanted) {
            throw new SettingsException(
                    "%s is for another architecture than the settings name, %s: run '%s' on a machine of that one."
                            .formatted(
                                    artifact,
                                    settings.architecture(),
                                    settings.packaging().command()));
        }
    }

    /** {@code e_machine} of an architecture's binaries. */
    private static int machine(Architecture architecture) {
        return switch (architecture) {
            case X86_64 -> 62;
            case ARM_64 -> 183;
        };
    }

    private static int machine(Path artifact, String binary) {
        try (ZipFile zip = new ZipFile(artifact.toFile())) {
            ZipEntry entry = zip.getEntry(binary);
            if (entry != null) {
                try (InputStream content = zip.getInputStream(entry)) {
                    ByteBuffer header = ByteBuffer.wrap(content.readNBytes(HEADER));
                    if (header.remaining() == HEADER && header.getInt(0) == MAGIC) {
                        return header.order(ByteOrder.LITTLE_ENDIAN).getShort(MACHINE);
                    }
                }
            }
        } catch (IOException e) {
            throw new SettingsException("%s can't be read: %s".formatted(artifact, e.getMessage()), e);
        }
        throw new SettingsException("%s has no binary called %s.".formatted(artifact, binary));
    }
}
