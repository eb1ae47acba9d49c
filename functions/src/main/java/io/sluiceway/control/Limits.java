package io.sluiceway.control;

import java.time.Duration;

/**
 * How long what is begun may stay unfinished.
 *
 * @param prepareWithin how long no other call of its request goes on with an attempt that is being prepared; going on
 *     with it twice is harmless, so this only saves work
 * @param postWithin how long after its intent is recorded a cluster may be asked to run an attempt: the fence
 * @param settleAfter how long after that fence somebody else may ask again, in the same name: covers clocks that differ
 *     and the time that a program's {@code main} takes
 * @param giveUpAfter how long after its intent something that never came further is given up
 */
public record Limits(Duration prepareWithin, Duration postWithin, Duration settleAfter, Duration giveUpAfter) {}
