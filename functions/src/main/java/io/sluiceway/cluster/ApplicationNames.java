package io.sluiceway.cluster;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.JobName;
import java.util.regex.Pattern;

/**
 * How the applications of a managed cluster are named.
 *
 * @param pattern an <a
 *     href="https://docs.aws.amazon.com/managed-flink/latest/apiv2/API_CreateApplication.html">application's name</a>
 *     with {@code {job}} once in it, such as {@code sluiceway-prod-{job}}
 */
public record ApplicationNames(String pattern) {
    private static final String JOB = "{job}";
    private static final Pattern ALLOWED = Pattern.compile("[A-Za-z0-9_.-]*\\{job}[A-Za-z0-9_.-]*");
    private static final int LONGEST_NAME = 128;

    public ApplicationNames {
        if (!ALLOWED.matcher(pattern).matches() || pattern.length() > LONGEST_NAME) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "The applications %s are no name with {job} in it, such as sluiceway-prod-{job}."
                            .formatted(Quoted.shape(pattern)));
        }
    }

    /**
     * The name of a job's application.
     *
     * @throws RefusedException JOB_UNSUPPORTED when it is longer than the service allows
     */
    public String of(JobName job) {
        String name = pattern.replace(JOB, job.value());
        if (name.length() > LONGEST_NAME) {
            throw new RefusedException(
                    ErrorCode.JOB_UNSUPPORTED,
                    "The name of application '%s' is longer than 128 characters.".formatted(name));
        }
        return name;
    }

    /** Whether a job's application could be named so. */
    public boolean matches(String application) {
        int job = pattern.indexOf(JOB);
        return application.length() > pattern.length() - JOB.length()
                && application.startsWith(pattern.substring(0, job))
                && application.endsWith(pattern.substring(job + JOB.length()));
    }
}
