package io.sluiceway.job;

import io.sluiceway.error.Quoted;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Keeps a program's arguments, which may be secrets, out of what others say of it. */
public final class Arguments {
    /** Shorter arguments, such as numbers, stay in messages. */
    private static final int MIN_MASKED = 4;

    private static final String MASK = "…";

    /** A value behind {@code =}, of an option, of a list of options or of a URL's query. */
    private static final Pattern ASSIGNED = Pattern.compile("=([^=&;,\\s]+)");

    /** User and password in a URL. */
    private static final Pattern USER = Pattern.compile("//([^/?#@\\s]+)@");

    /** A text in JSON. */
    private static final Pattern QUOTED = Pattern.compile("\"([^\"\\\\]+)\"");

    private static final Pattern BLANK_ENDS = Pattern.compile("^[\\p{C}\\p{Z}]+|[\\p{C}\\p{Z}]+$");

    private Arguments() {}

    /**
     * A text without the arguments: each, and each part of one that may be a secret of its own, is replaced by an
     * ellipsis if it has four characters or more, at the end of a text that was cut also its beginning. Such parts are
     * what stands behind {@code =}, a URL's user and password, a text in JSON, and one line of several. Names of
     * options stay.
     */
    public static String mask(String text, List<String> arguments) {
        return arguments.stream()
                .flatMap(argument -> secrets(argument).stream())
                .filter(value -> value.length() >= MIN_MASKED && !value.startsWith("-"))
                .distinct()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .reduce(text, Arguments::without);
    }

    private static Set<String> secrets(String argument) {
        Set<String> secrets = new HashSet<>();
        add(secrets, argument.startsWith("-") ? argument.substring(argument.indexOf('=') + 1) : argument);
        addAll(secrets, ASSIGNED.matcher(argument));
        addAll(secrets, QUOTED.matcher(argument));
        Matcher user = USER.matcher(argument);
        while (user.find()) {
            add(secrets, user.group(1));
            for (String part : user.group(1).split(":", 2)) {
                add(secrets, part);
            }
        }
        return secrets;
    }

    private static void addAll(Set<String> secrets, Matcher found) {
        while (found.find()) {
            add(secrets, found.group(1));
        }
    }

    /**
     * As it is, by its lines, since words are told by theirs, trimmed as programs do, and as {@link Quoted} shows it.
     */
    private static void add(Set<String> secrets, String value) {
        secrets.add(value);
        secrets.add(Quoted.plain(value, value.length()));
        value.lines().forEach(line -> {
            secrets.add(line);
            secrets.add(Quoted.plain(line, line.length()));
            secrets.add(BLANK_ENDS.matcher(line).replaceAll(""));
        });
    }

    private static String without(String text, String value) {
        String masked = text.replace(value, MASK);
        if (masked.endsWith(MASK)) {
            String uncut = masked.substring(0, masked.length() - MASK.length());
            for (int length = Math.min(value.length() - 1, uncut.length()); length >= MIN_MASKED; length--) {
                if (uncut.regionMatches(uncut.length() - length, value, 0, length)) {
                    return uncut.substring(0, uncut.length() - length) + MASK;
                }
            }
        }
        return masked;
    }
}
