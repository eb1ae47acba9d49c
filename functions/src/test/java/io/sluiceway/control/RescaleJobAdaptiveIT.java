package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.job.FlinkJobId;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.Upgrade.Ending;
import io.sluiceway.testing.BesideOthers;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The adaptive scheduler changes a job while it lives; it counts again what came behind its last checkpoint. */
@BesideOthers
class RescaleJobAdaptiveIT extends RescaleJobContract {
    @Override
    String scheduler() {
        return "Adaptive";
    }

    @Test
    void rescale_upAndDown_isTheSameAttemptAndNoNumberIsLost(TestInfo test) {
        FlinkJobId id = start(test, "session, adaptive scheduler", 2);

        Operation up = job.rescale(3, JUDGE_WITHIN, Ending.RESCALED);
        assertThat(Objects.requireNonNull(up.rescale()).inPlace()).isTrue();
        job.assertGoesOn(id, false);

        job.rescale(2, JUDGE_WITHIN, Ending.RESCALED);
        job.assertGoesOn(id, false);
    }

    @Test
    void rescale_moreThanThereIs_isTheSameAttemptWithWhatItHad(TestInfo test) {
        FlinkJobId id = start(test, "session, adaptive scheduler, too few slots", 2);

        Operation done = job.rescale(6, JUDGE_WITHIN, Ending.ROLLED_BACK);

        assertThat(done.failure()).contains("didn't come to a parallelism of 6 within PT1M");
        job.assertGoesOn(id, false);
    }

    @Test
    void rescale_fromOne_goesByARestartAndEachNumberIsCountedOnce(TestInfo test) {
        start(test, "session, adaptive scheduler, from 1", 1);

        Operation done = job.rescale(3, JUDGE_WITHIN, Ending.RESCALED);

        job.assertGoesOn(Objects.requireNonNull(done.upgrade()).next(), true);
    }
}
