package io.sluiceway.testing;

import io.sluiceway.job.DataReadyPolicy;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.Policies;
import io.sluiceway.job.RestartPolicy;
import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.job.SavepointsPolicy;

/** Policies of which there is one. */
public final class OnlyPolicy {
    private OnlyPolicy() {}

    public static Policies of(DataReadyPolicy policy) {
        return new Policies(policy, null, null, null, null);
    }

    public static Policies of(HealthPolicy policy) {
        return new Policies(null, policy, null, null, null);
    }

    public static Policies of(SavepointsPolicy policy) {
        return new Policies(null, null, policy, null, null);
    }

    public static Policies of(RetentionPolicy policy) {
        return new Policies(null, null, null, policy, null);
    }

    public static Policies of(RestartPolicy policy) {
        return new Policies(null, null, null, null, policy);
    }
}
