package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.operation.Operation;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.testing.BesideOthers;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The default scheduler can't change a job while it lives. */
@BesideOthers
class RescaleJobDefaultIT extends RescaleJobContract {
    @Override
    String scheduler() {
        return "Default";
    }

    @Test
    void rescale_upAndDown_goesByARestartAndEachNumberIsCountedOnce(TestInfo test) {
        start(test, "session, default scheduler", 2);

        Operation up = job.rescale(3, JUDGE_WITHIN, Ending.RESCALED);
        assertThat(Objects.requireNonNull(up.rescale()).inPlace()).isFalse();
        job.assertGoesOn(Objects.requireNonNull(up.upgrade()).next(), true);

        Operation down = job.rescale(2, JUDGE_WITHIN, Ending.RESCALED);
        assertThat(Objects.requireNonNull(down.rescale()).inPlace()).isFalse();
        job.assertGoesOn(Objects.requireNonNull(down.upgrade()).next(), true);
    }

    @Test
    void rescale_moreThanThereIs_comesBackAndEachNumberIsCountedOnce(TestInfo test) {
        start(test, "session, default scheduler, too few slots", 2);

        Operation done = job.rescale(6, JUDGE_WITHIN, Ending.ROLLED_BACK);

        job.assertGoesOn(Objects.requireNonNull(done.upgrade()).back(), true);
    }
}
