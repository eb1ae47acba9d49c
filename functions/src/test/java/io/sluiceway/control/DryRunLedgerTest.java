package io.sluiceway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluiceway.event.JobEvent;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerChange.AddSavepoint;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerChange.PutSavepoint;
import io.sluiceway.ledger.LedgerChange.RemoveSavepoint;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.OperationId;
import io.sluiceway.savepoint.SavepointOrigin;
import io.sluiceway.savepoint.StoragePath;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A dry run's ledger is to its caller what the ledger is, and to the ledger nobody. */
class DryRunLedgerTest extends VerbFixture {
    private FlinkJobId job;
    private DryRunLedger dry;
    private Object before;

    @BeforeEach
    void fill() {
        job = submitEndless();
        operation(takeSavepoint
                .take(request("save", 1), named(), false, soon())
                .operation()
                .id());
        dry = new DryRunLedger(ledger);
        before = ledger.state();
    }

    @Test
    void commit_change_isReadBackAndNotWritten() throws LedgerConflictException {
        Versioned<Job> known = job(dry);

        dry.commit(List.of(new PutJob(known.value().free(), known.version())), soon());

        assertThat(job(dry)).isEqualTo(new Versioned<>(known.value().free(), known.version() + 1));
        assertThat(ledger.state()).isEqualTo(before);
    }

    @Test
    void commit_recordThatAnotherChangedSince_isAConflictAndNothingIsKept() throws LedgerConflictException {
        Versioned<Job> known = job(dry);
        Savepoint savepoint = ledger.savepoints().getFirst();
        ledger.commit(List.of(new PutJob(known.value().free(), known.version())), soon());

        assertConflict(
                new PutSavepoint(savepoint.pin(), 1), new PutJob(known.value().free(), known.version()));

        assertThat(dry.savepoints(CLUSTER, NAME, soon())).containsExactly(savepoint);
        assertThat(job(dry)).isEqualTo(job(ledger));
    }

    @Test
    void commit_ownChangeAtTheVersionBefore_isAConflict() throws LedgerConflictException {
        Versioned<Job> known = job(dry);
        PutJob change = new PutJob(known.value().free(), known.version());
        dry.commit(List.of(change), soon());

        assertConflict(change);
    }

    @Test
    void commit_recordThatIsThereAlready_isAConflict() {
        assertConflict(new PutJob(job(dry).value(), LedgerChange.ABSENT));
        assertConflict(new AddSavepoint(ledger.savepoints().getFirst()));
    }

    @Test
    void savepoints_addedChangedAndRemoved_areListedAsTheLedgerWould() throws LedgerConflictException {
        Savepoint old = ledger.savepoints().getFirst();
        Savepoint added = new Savepoint(
                CLUSTER,
                NAME,
                job,
                new OperationId("f".repeat(32)),
                SavepointOrigin.USER_REQUEST,
                new StoragePath("s3://state/savepoints/added"),
                clock.instant().plusSeconds(1),
                true,
                0,
                false,
                null);

        for (JobLedger each : List.of(dry, ledger)) {
            each.commit(List.of(new AddSavepoint(added), new PutSavepoint(old.pin(), 1)), soon());
        }
        assertThat(dry.savepoints(CLUSTER, NAME, soon()))
                .containsExactly(added, old.pin())
                .isEqualTo(ledger.savepoints(CLUSTER, NAME, soon()));

        dry.commit(List.of(new RemoveSavepoint(old.pin(), 2)), soon());
        assertThat(dry.savepoints(CLUSTER, NAME, soon())).containsExactly(added);
        assertThat(dry.findSavepoint(CLUSTER, NAME, old.operation(), soon())).isEmpty();
    }

    @Test
    void outbox_overIt_numbersEventsBehindTheLedgersAndPublishesNone() {
        Ports on = new Ports(ports.clusters(), dry, store, LIMITS);
        long newest = job(ledger).value().lastEvent();
        int calls = bus.calls();

        cluster.fail(job);
        new ObserveJob(on).observe(job(job), soon());
        on.outbox().publish(soon());

        assertThat(dry.events(CLUSTER, NAME, 0, 100, soon()).items())
                .extracting(JobEvent::sequence)
                .startsWith(1L)
                .endsWith(newest + 1);
        assertThat(dry.events(CLUSTER, NAME, newest - 1, 1, soon()).next()).isNotNull();
        assertThat(bus.calls()).isEqualTo(calls);
        assertThat(ledger.state()).isEqualTo(before);
    }

    @Test
    void commit_eventWhoseNumberIsTaken_isAConflict() {
        JobEvent taken = ledger.events().getLast();

        assertConflict(new LedgerChange.AddEvent(taken, false));
    }

    private void assertConflict(LedgerChange... changes) {
        assertThatExceptionOfType(LedgerConflictException.class).isThrownBy(() -> dry.commit(List.of(changes), soon()));
    }

    private Versioned<Job> job(JobLedger of) {
        return of.findJob(CLUSTER, NAME, soon()).orElseThrow();
    }
}
