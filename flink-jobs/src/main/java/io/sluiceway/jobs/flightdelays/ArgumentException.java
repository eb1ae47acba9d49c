package io.sluiceway.jobs.flightdelays;

/** The job can't start with the arguments it was given; the message says why, and begins with a code. */
public final class ArgumentException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    /** What is wrong with the arguments. */
    public enum Code {
        /** A required argument isn't there. */
        MISSING_ARGUMENT,
        /** No such argument exists. */
        UNKNOWN_ARGUMENT,
        /** An argument is there twice. */
        REPEATED_ARGUMENT,
        /** An argument's value can't be understood, or is out of range. */
        INVALID_ARGUMENT,
        /** Two arguments exclude each other. */
        CONFLICTING_ARGUMENTS,
        /** The input directory lacks a file. */
        INPUT_NOT_FOUND
    }

    private final Code code;

    ArgumentException(Code code, String sentence) {
        super(code + ": " + sentence);
        this.code = code;
    }

    /** What is wrong. */
    public Code code() {
        return code;
    }
}
