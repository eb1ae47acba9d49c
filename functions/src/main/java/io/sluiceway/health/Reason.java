package io.sluiceway.health;

/**
 * What keeps a job from being stable.
 *
 * @param code what it is
 * @param message a sentence with its numbers
 */
public record Reason(Code code, String message) {
    /** What can keep a job from being stable. */
    public enum Code {
        /** It fails again and again, whatever its state says in between. */
        RESTART_LOOP(Health.State.UNHEALTHY),
        /** Checkpoints fail. */
        CHECKPOINTS_FAILING(Health.State.UNHEALTHY),
        /** Its newest checkpoint is too old, or it has completed none in that time. */
        CHECKPOINT_TOO_OLD(Health.State.UNHEALTHY),
        /** A task waits too much for the next. */
        BACKPRESSURED(Health.State.UNHEALTHY),
        /** Its watermark is too far behind the clock. */
        WATERMARK_LAGS(Health.State.UNHEALTHY),

        /** It takes no checkpoints, without which nothing shows that it gets on. */
        NO_CHECKPOINTING(Health.State.UNKNOWN),
        /** The cluster can't tell something that is judged by. */
        NOT_OBSERVABLE(Health.State.UNKNOWN),

        /** It hasn't been running yet. */
        STARTING(Health.State.SETTLING),
        /** It failed and waits to be started again. */
        RESTARTING(Health.State.SETTLING),
        /** It runs, and not long enough without a restart. */
        JUST_STARTED(Health.State.SETTLING),
        /** It runs, and has completed no checkpoint since it does. */
        NO_CHECKPOINT_YET(Health.State.SETTLING),
        /** Checkpoints failed of late. */
        CHECKPOINT_FAILED(Health.State.SETTLING),
        /** Something that is judged by hasn't been measured yet. */
        NOT_MEASURED_YET(Health.State.SETTLING);

        private final Health.State state;

        Code(Health.State state) {
            this.state = state;
        }

        /** What a job is with this reason and no worse one. */
        public Health.State state() {
            return state;
        }
    }
}
