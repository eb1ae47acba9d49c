package io.sluiceway.error;

/** Foreign text made safe to stand in a message or a log: short, on one line, without control characters. */
public final class Quoted {
    private static final int MAX_LENGTH = 120;

    private Quoted() {}

    /** The text in single quotes, control characters replaced by {@code ?}, cut after 120 characters. */
    public static String of(String text) {
        return "'" + plain(text, MAX_LENGTH) + "'";
    }

    /** The text without quotes, control characters replaced by {@code ?}, cut after {@code maxLength} characters. */
    public static String plain(String text, int maxLength) {
        String cut = text.length() > maxLength ? text.substring(0, maxLength) + "…" : text;
        return cut.codePoints()
                .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
