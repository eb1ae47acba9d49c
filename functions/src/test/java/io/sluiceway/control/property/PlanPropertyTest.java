package io.sluiceway.control.property;

import io.sluiceway.control.Plan.Action;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import org.assertj.core.api.Assertions;

/** Whatever has happened before: a plan changes nothing, and the call that follows does what it says. */
class PlanPropertyTest {
    private static final String SEED = "20130106";

    private static final Set<Action> PLANNED = EnumSet.noneOf(Action.class);

    @Property(tries = 500, edgeCases = EdgeCasesMode.NONE, seed = SEED)
    void anyCall_plannedAndThenMade_doesWhatWasPlanned(@ForAll("sequences") List<Step> steps) {
        World world = new World(new World.Parts() {
            @Override
            public boolean plans() {
                return true;
            }
        });
        try {
            steps.forEach(world::take);
        } catch (Violation violation) {
            violation.tell(world.told());
            throw violation;
        }
        PLANNED.addAll(world.planned());
    }

    /** Sequences that never come to an action would say nothing about it. */
    @AfterContainer
    static void everyAction_ofTheVerbsInTheSequences_wasPlanned() {
        Assertions.assertThat(PLANNED)
                .containsAll(EnumSet.complementOf(
                        EnumSet.of(Action.UPGRADE, Action.RESCALE_IN_PLACE, Action.RESCALE_BY_RESTART)));
    }

    @Provide
    Arbitrary<List<Step>> sequences() {
        return Sequences.steps();
    }
}
