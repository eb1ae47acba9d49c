package io.sluiceway.error;

/**
 * Every way in which a function can refuse or fail, with what the caller does about it.
 *
 * <p>The names are part of the contract: a thrown error's text begins with one. {@code docs/errors.md} is checked
 * against this list by a test.
 */
public enum ErrorCode {
    EVENT_UNREADABLE(false, "Send one JSON object as the schema of the function describes it."),
    FIELD_MISSING(false, "Add the field; the schema of the function lists what is required."),
    FIELD_UNKNOWN(false, "Remove the field or correct its spelling; the schema of the function lists what is known."),
    FIELD_INVALID(false, "Correct the value; the schema of the function says what is allowed."),
    JOB_NAME_INVALID(
            false, "Use 1 to 128 lower-case letters, digits and single hyphens, beginning and ending with none."),
    CLUSTER_UNKNOWN(false, "Name a configured cluster, or add this one to the deployment's settings."),
    CONFIGURATION_INVALID(false, "Correct the function's settings and deploy again."),
    JAR_BUCKET_NOT_ALLOWED(
            false, "Put the jar into an allowed bucket, or add its bucket to the deployment's settings."),
    JAR_NOT_FOUND(false, "Upload the jar, or correct its URI or version id."),
    JAR_NOT_READABLE(
            false,
            "Give the function's role s3:GetObject on this object and kms:Decrypt on its key, in its own Region."),
    JAR_TOO_LARGE(false, "Make the jar smaller: it has to fit into the function's /tmp."),
    JAR_NOT_A_JAR(false, "Upload the jar that the build made; this object can't be opened as one."),
    JAR_CHECKSUM_MISMATCH(false, "Submit the SHA-256 of the object that is stored, or upload the jar again."),
    JAR_CHANGED(
            false, "Put the jar back that ran, or submit the job with the new one; name jars by version or SHA-256."),
    JAR_STORE_UNAVAILABLE(true, "Call again with the same request id and try; nothing was started."),
    ENTRY_CLASS_NOT_FOUND(false, "Name a class of the jar that has a main method, or set Main-Class in its manifest."),
    JOB_UNSUPPORTED(false, "Change what the message names, or submit the job to a session cluster."),
    APPLICATION_IN_USE(
            false,
            "Stop the application or leave it to whoever runs it, and submit a new try, or name the job otherwise."),
    PARALLELISM_EXCEEDS_SLOTS(
            false, "Lower the parallelism, or add task slots to the cluster, which are KPUs on Managed Flink."),
    RESTORE_PATH_NOT_ALLOWED(
            false, "Restore from below the cluster's savepoint, checkpoint or restore roots, or add a root."),
    RESTORE_FAILED(
            false, "Name a directory that holds a savepoint's _metadata and fits the program, then submit a new try."),
    PROGRAM_FAILED(false, "Read the cause in the message, correct the program or its arguments, and submit again."),
    CLUSTER_UNREACHABLE(true, "Check that the cluster runs and that the function reaches it, then call again."),
    CLUSTER_TIMEOUT(true, "Call again with the same request id and try; a repeated call has no second effect."),
    CLUSTER_ANSWER_INVALID(
            true, "Check that the cluster's URL is that of a Flink JobManager and that no proxy answers for it."),
    CLUSTER_REFUSED(false, "Read the cluster's own words in the message; the JobManager's log has more."),
    SUBMISSION_UNSETTLED(true, "Call again with the same request id and try: it finds the job or submits it once."),
    JOB_OUTCOME_UNKNOWN(
            false, "Look for the job's results or in its history server; submit with 'rerun' to run it again."),
    JOB_NOT_FOUND(
            false, "Check the cluster and the job's name or Flink job id; only what submit-job started is known."),
    JOB_NOT_RUNNING(
            false,
            "Observe the job: it has ended, so there is nothing to save, stop or change; submit it if it is to run."),
    OPERATION_NOT_FOUND(false, "Take the operation id from the answer that made it."),
    REQUEST_CONFLICT(
            false, "Use another request id for another request, or a higher try once no attempt of this one lives."),
    REQUEST_CANCELLED(false, "Submit with a higher try if the job is to run after all: this try was stopped first."),
    STALE_TRY(false, "Leave it: a higher try of this request was taken, and its answer counts."),
    STALE_OWNER(false, "Leave the job: another request or try has taken it over. Stop it without an owner if need be."),
    JOB_ALREADY_RUNNING(
            false,
            "Replace what runs by upgrade-job, or stop it or wait for its end and submit with a higher try; or submit what runs."),
    JOB_BUSY(true, "Call again with the same request id and try when the other request has come to its end."),
    JOB_KIND_MISMATCH(false, "Submit the job as the kind that it is, or give this one a name of its own."),
    SUBMISSION_ABANDONED(false, "Submit with a higher try; the job never reached the cluster."),
    RESTORE_POINT_NOT_FOUND(
            false, "Name a savepoint with restore mode SAVEPOINT, or give the state up by name with mode NONE."),
    CHECKPOINT_TOO_OLD(
            true,
            "Call again when the job has completed a checkpoint, or raise maxCheckpointAge; nothing was stopped."),
    RESTORE_POINT_UNREADABLE(
            true, "Give the function's role leave to list the directory in the message, or call again."),
    RESTARTS_EXHAUSTED(
            false, "Read why the job fails, correct that, and submit it anew; restarts are counted from 1 then."),
    LEDGER_UNAVAILABLE(true, "Call again with the same request id and try; a repeated call has no second effect."),
    LEDGER_INVALID(
            false, "Deploy the ledger's table with the functions, and give their roles leave to read and write it."),
    INTERNAL_ERROR(true, "Read the function's log of this moment, and report it as a bug.");

    private final boolean retryable;
    private final String action;

    ErrorCode(boolean retryable, String action) {
        this.retryable = retryable;
        this.action = action;
    }

    /** Whether the very same call can succeed later without anybody changing anything. */
    public boolean retryable() {
        return retryable;
    }

    /** One sentence that says what the caller does about it. */
    public String action() {
        return action;
    }
}
