package io.sluiceway.ledger;

class FakeJobLedgerTest extends JobLedgerContract {
    private final FakeJobLedger ledger = new FakeJobLedger();

    @Override
    protected JobLedger ledger() {
        return ledger;
    }
}
