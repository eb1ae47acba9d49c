package io.sluiceway.ready;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluiceway.ready.Histories.History;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;

/**
 * Whatever happens to a job, and whenever it is observed: nothing is told to be ready before it is committed, each
 * boundary is told once and in its order, and when all goes well for long enough, it is told.
 */
class DataReadyRulePropertyTest {
    private static int ready;
    private static int revised;

    // The same histories each time, lest a rare find fails an innocent change; a night's run goes without the seed.
    @Property(tries = 12_000, edgeCases = EdgeCasesMode.NONE, seed = "20130105")
    void anyHistory_tellsWhatIsCommittedAndNothingElse(@ForAll("histories") History history) {
        SinkWorld world = new SinkWorld(history.kind());
        history.happenings().forEach(world::take);
        ready += world.ready();
        revised += world.revised();
        world.settle();
    }

    /** Most of what is to be shown has to happen in the histories themselves. */
    @AfterContainer
    static void histories_areNotVoid() {
        System.out.printf("data ready in random histories: %d boundaries, %d revisions%n", ready, revised);
        assertThat(ready).isGreaterThan(10_000);
        assertThat(revised).isGreaterThan(100);
    }

    @Provide
    Arbitrary<History> histories() {
        return Histories.histories();
    }
}
