package io.sluiceway.cluster;

import java.net.URI;

/**
 * A link that opens a job's Flink dashboard. Whoever has it may be let in without a further question, so it is for the
 * one who asked, and for nothing that is kept or logged.
 *
 * @param url where it leads
 */
public record DashboardLink(URI url) {
    @Override
    public String toString() {
        return "a link to the dashboard";
    }
}
