package io.sluiceway.control;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.control.Answer.Planned;
import io.sluiceway.error.RefusedException;
import io.sluiceway.job.Request;
import io.sluiceway.time.Deadline;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Carries a verb out without any effect, to tell what it would do.
 *
 * <p>It is the verb's own code that runs, over a ledger that keeps what is committed to itself and clusters that are
 * only asked questions, until it answers or reaches an effect whose answer would decide what comes next. So the plan
 * can't be other than the act, as long as nothing changes between the two.
 */
public final class DryRun {
    private DryRun() {}

    /**
     * Plans a call.
     *
     * @param ports what the verb would work with
     * @param request the call's
     * @param verb the call, with what it is to work with instead
     * @throws RefusedException whatever the verb refuses the call with; nothing is recorded of it
     */
    public static Planned of(Ports ports, Request request, Deadline deadline, Function<Ports, Answer> verb) {
        List<Effect> effects = new ArrayList<>();
        List<FlinkCluster> clusters = ports.clusters().names().stream()
                .map(ports.clusters()::named)
                .<FlinkCluster>map(cluster -> new DryRunCluster(cluster, effects))
                .toList();
        DryRunLedger ledger = new DryRunLedger(ports.ledger());
        Ports dry = new Ports(new Clusters(clusters), ledger, ports.savepoints(), ports.limits());
        Plans plans = new Plans(ports.ledger(), ledger, dry, effects, request, deadline);
        Answer answer;
        try {
            answer = verb.apply(dry);
        } catch (EffectReachedException end) {
            return plans.of(end.effect());
        }
        return plans.of(answer);
    }
}
