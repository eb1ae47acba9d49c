package io.sluiceway.job;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** Ids that are derived rather than drawn, so that whoever repeats a request arrives at the same id. */
public final class Digests {
    private static final int ID_BYTES = 16;

    private Digests() {}

    /**
     * The first 128 bits of SHA-256 over the parts, each as its length in UTF-8 bytes (four bytes, big-endian) followed
     * by those bytes.
     *
     * @return 32 lower-case hexadecimal digits, the form of Flink's job and trigger ids
     */
    public static String deriveId(String... parts) {
        return HexFormat.of().formatHex(Arrays.copyOf(hash(parts), ID_BYTES));
    }

    /**
     * SHA-256 over the parts, taken as {@link #deriveId} takes them.
     *
     * @return 64 lower-case hexadecimal digits
     */
    public static String digest(String... parts) {
        return HexFormat.of().formatHex(hash(parts));
    }

    private static byte[] hash(String... parts) {
        MessageDigest sha256 = sha256();
        for (String part : parts) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            sha256.update(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).flip());
            sha256.update(bytes);
        }
        return sha256.digest();
    }

    /** A new SHA-256 digest. */
    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256.", e);
        }
    }
}
