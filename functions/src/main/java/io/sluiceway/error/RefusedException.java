package io.sluiceway.error;

/** A call that was refused or failed, with its code and a sentence that says what was wrong. */
public final class RefusedException extends RuntimeException {
    private final ErrorCode code;

    /**
     * @param code what kind of refusal it is
     * @param message one sentence for a reader; never a secret, a program argument or a presigned URL
     */
    public RefusedException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    /** As {@link #RefusedException(ErrorCode, String)}, keeping what caused it for the log. */
    public RefusedException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** This refusal, saying something else. */
    public RefusedException saying(String other) {
        RefusedException refusal =
                getCause() == null ? new RefusedException(code, other) : new RefusedException(code, other, getCause());
        for (Throwable suppressed : getSuppressed()) {
            refusal.addSuppressed(suppressed);
        }
        return refusal;
    }

    public ErrorCode code() {
        return code;
    }

    /** The sentence of this refusal; unlike {@link #getMessage()} never absent. */
    public String sentence() {
        String message = getMessage();
        return message == null ? code.name() : message;
    }
}
