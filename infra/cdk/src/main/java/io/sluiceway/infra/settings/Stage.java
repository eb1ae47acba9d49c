package io.sluiceway.infra.settings;

import java.util.regex.Pattern;

/**
 * One deployment of Sluiceway. Its name is part of the name of everything that is deployed, so that several stages can
 * share an account.
 *
 * @param name 1 to 20 lower-case letters, digits and hyphens, the first a letter
 */
public record Stage(String name) {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,19}");

    /** The laptop stack. Every other stage is on AWS. */
    public static final Stage LOCAL = new Stage("local");

    /**
     * Checks the name.
     *
     * @throws SettingsException if it breaks its rule
     */
    public Stage {
        Check.matching(name, "stage", NAME, "1 to 20 lower-case letters, digits and hyphens, and starts with a letter");
    }

    /** {@return whether this is the laptop stack: made for a day, thrown away without asking} */
    public boolean isLocal() {
        return equals(LOCAL);
    }

    /** {@return whether nobody misses what it has kept: the laptop's stage, and one by the name {@code test}} */
    public boolean isDisposable() {
        return isLocal() || name.equals("test");
    }

    /** {@return the name of what this stage has just one of, for example {@code sluiceway-local}} */
    public String fullName() {
        return "sluiceway-" + name;
    }

    /**
     * Names a part of this stage.
     *
     * @param part what is named, for example {@code submit-job}
     * @return its name in this stage, for example {@code sluiceway-local-submit-job}
     */
    public String nameOf(String part) {
        return fullName() + "-" + part;
    }
}
