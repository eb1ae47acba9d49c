package io.sluiceway.control;

/**
 * Where a dry run ends: at an effect whose answer would decide what comes next. It is no refusal, so no verb takes it
 * for one.
 */
final class EffectReachedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Effect effect;

    EffectReachedException(Effect effect) {
        super("A dry run has reached " + effect, null, false, false);
        this.effect = effect;
    }

    Effect effect() {
        return effect;
    }
}
