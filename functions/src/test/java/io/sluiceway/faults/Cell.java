package io.sluiceway.faults;

import org.jspecify.annotations.Nullable;

/**
 * What is tried: a history with one fault.
 *
 * @param history what is asked for
 * @param fault what happens; absent: what the history brings along
 * @param step in which step of the history it happens; empty without a fault
 * @param call to which call
 * @param nth to which of those with that name, counted within the step
 */
record Cell(History history, Fault.@Nullable Kind fault, String step, String call, int nth) {
    static Cell of(History history) {
        return new Cell(history, null, "", "", 0);
    }

    /** What happens: the fault, or what the history brings along. */
    String kind() {
        return fault == null ? history.name() : fault.name();
    }

    /** The row of the table that it counts in. */
    String row() {
        return fault == null ? history.name() : verb() + fault.name();
    }

    /** The pair of fault and call that it counts for; a call during an upgrade counts apart from others. */
    String pair() {
        return fault == null ? history.name() : verb() + fault + " " + call;
    }

    private String verb() {
        return history.upgrades() ? "UPGRADE_JOB_" : "";
    }

    /** The place where the fault happens, whatever the history around it. */
    String place() {
        return step + " " + call + " " + nth;
    }

    @Override
    public String toString() {
        return fault == null ? history.name() : "%s %s %s %s %d".formatted(history, fault, step, call, nth);
    }
}
