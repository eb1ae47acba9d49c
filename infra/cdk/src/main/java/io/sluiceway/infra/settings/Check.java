package io.sluiceway.infra.settings;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The checks that several settings share. */
final class Check {
    private Check() {}

    /**
     * A setting has to be there.
     *
     * @param value what was read
     * @param name the setting's name
     * @return the value
     * @throws SettingsException if there is none
     */
    static <T> T present(@Nullable T value, String name) {
        if (value == null) {
            throw new SettingsException("%s is missing".formatted(name));
        }
        return value;
    }

    /**
     * A list has to be there and to hold something.
     *
     * @param values what was read
     * @param name the setting's name
     * @return the values
     * @throws SettingsException if there are none, or one of them is null
     */
    static <T> List<T> notEmpty(@Nullable List<T> values, String name) {
        List<T> present = present(values, name);
        if (present.isEmpty()) {
            throw new SettingsException("%s is empty".formatted(name));
        }
        present.forEach(value -> present(value, "one of " + name));
        return present;
    }

    /**
     * A setting has to be there and to follow a rule.
     *
     * @param value what was read
     * @param name the setting's name
     * @param pattern what the whole value has to match
     * @param rule the pattern in words, completing "a … is"
     * @return the value
     * @throws SettingsException if there is no value, or it doesn't match
     */
    static String matching(@Nullable String value, String name, Pattern pattern, String rule) {
        String present = present(value, name);
        if (!pattern.matcher(present).matches()) {
            throw new SettingsException("'%s' is no %s: it is %s".formatted(present, name, rule));
        }
        return present;
    }

    /**
     * A setting has to be a number from 1 to a limit.
     *
     * @param value what was read
     * @param name the setting's name
     * @param most the limit
     * @return the value
     * @throws SettingsException if it is beyond
     */
    static int within(int value, String name, int most) {
        if (value < 1 || value > most) {
            throw new SettingsException("'%d' is no %s: it is a number from 1 to %d".formatted(value, name, most));
        }
        return value;
    }
}
