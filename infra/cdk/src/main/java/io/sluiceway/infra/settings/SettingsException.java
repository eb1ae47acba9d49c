package io.sluiceway.infra.settings;

/** Settings that can't be deployed. The message is a sentence for the person who wrote them. */
public final class SettingsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Settings that break a rule.
     *
     * @param message what is wrong and where, and what would be right
     */
    public SettingsException(String message) {
        super(message);
    }

    /**
     * Settings that can't be read.
     *
     * @param message what is wrong and where, and what would be right
     * @param cause what the file system or the JSON parser said
     */
    public SettingsException(String message, Throwable cause) {
        super(message, cause);
    }
}
