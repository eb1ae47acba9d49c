package io.sluiceway.bench;

/** The calls of one life of a job, in their order. */
enum Verb {
    SUBMIT("submit-job"),
    STATUS("job-status"),
    SAVEPOINT("take-savepoint"),
    SWEEP("monitor-jobs");

    private final String function;

    Verb(String function) {
        this.function = function;
    }

    /** {@return the function that is called} */
    String function() {
        return function;
    }

    /** {@return the event about a job} */
    String event(String cluster, String name) {
        return switch (this) {
            case SUBMIT -> BenchLab.submission(cluster, name);
            case STATUS -> """
                    {"cluster": "%s", "jobName": "%s"}
                    """.formatted(cluster, name);
            case SAVEPOINT -> """
                    {"requestId": "%s/save", "try": 1, "cluster": "%s", "jobName": "%s"}
                    """.formatted(name, cluster, name);
            case SWEEP -> """
                    {"clusters": ["%s"]}
                    """.formatted(cluster);
        };
    }
}
