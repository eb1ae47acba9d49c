package io.sluiceway.error;

/** Foreign text made safe to stand in a message or a log: short, on one line, only whole and visible characters. */
public final class Quoted {
    private static final int MAX_LENGTH = 120;

    private Quoted() {}

    /** The text in single quotes, made {@link #plain}, cut after 120 characters. */
    public static String of(String text) {
        return "'" + plain(text, MAX_LENGTH) + "'";
    }

    /**
     * The text without quotes, cut after {@code maxLength} characters; {@code ?} stands for what can't be seen: control
     * and format characters, line separators, and halves of characters, which no UTF-8 can hold.
     */
    public static String plain(String text, int maxLength) {
        String cut = text.length() > maxLength ? text.substring(0, maxLength) + "…" : text;
        return cut.codePoints()
                .map(c -> isVisible(c) ? c : '?')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static boolean isVisible(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> false;
            default -> true;
        };
    }

    /**
     * What can be told of a refused text that may be a secret in the wrong place: its length, and the first character
     * that is not printable ASCII, which is what the eye misses.
     *
     * @return such as {@code (7 characters, U+0456 at 3)}
     */
    public static String shape(String text) {
        int length = text.length();
        for (int i = 0; i < length; i++) {
            int character = text.codePointAt(i);
            if (character <= ' ' || character > '~') {
                return "(%,d characters, U+%04X at %,d)".formatted(length, character, i + 1);
            }
        }
        return "(%,d characters)".formatted(length);
    }
}
