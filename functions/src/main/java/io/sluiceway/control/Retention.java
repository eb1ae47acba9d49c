package io.sluiceway.control;

import io.sluiceway.job.RetentionPolicy;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.savepoint.StoragePath;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which savepoints of a STREAM may go: a rule without any effect.
 *
 * <p>What exceeds the policy's count or its age may, as with Flink's Kubernetes operator ({@code SnapshotObserver}):
 * either bound is a promise of its own, that there are no more, and that none is older. What is never among it: the
 * last good ones, those in use, those that are pinned. While there is no last good one, none may go.
 *
 * @param savepoints all that the ledger knows of the job, the newest first
 * @param head the newest attempt that reached the cluster: where the job's lineage has come to
 * @param stoppedWith the savepoint that a stop of that attempt was completed with; absent when it wasn't
 * @param inUse what living attempts began with, and what open operations name
 * @param lost those that somebody else has removed, as far as that is known
 */
record Retention(
        List<Savepoint> savepoints,
        Attempt head,
        @Nullable StoragePath stoppedWith,
        Set<StoragePath> inUse,
        Set<Savepoint> lost) {
    Retention {
        savepoints = savepoints.stream()
                .filter(savepoint -> savepoint.disposal() == null)
                .toList();
        inUse = Set.copyOf(inUse);
        lost = Set.copyOf(lost);
    }

    /** This rule, knowing that a savepoint isn't there, although the ledger has it: it is no good one. */
    Retention without(Savepoint gone) {
        Set<Savepoint> all = new LinkedHashSet<>(lost);
        all.add(gone);
        return new Retention(savepoints, head, stoppedWith, inUse, all);
    }

    /** Whether a job's savepoints exceed the policy, whatever may go of them. */
    static boolean isExceeded(List<Savepoint> savepoints, RetentionPolicy policy, Instant now) {
        return exceeding(savepoints, policy, now).findFirst().isPresent();
    }

    private static Stream<Savepoint> exceeding(List<Savepoint> savepoints, RetentionPolicy policy, Instant now) {
        List<Savepoint> counted = savepoints.stream()
                .filter(savepoint -> savepoint.disposal() == null && !savepoint.pinned())
                .toList();
        List<Savepoint> first = counted.subList(0, Math.min(policy.count(), counted.size()));
        Instant oldest = now.minus(policy.age());
        return counted.reversed().stream()
                .filter(savepoint -> savepoint.completedAt().isBefore(oldest) || !first.contains(savepoint));
    }

    /** What may go, the oldest first. */
    List<Savepoint> removable(RetentionPolicy policy, Instant now) {
        Set<Savepoint> good = lastGood();
        return good.isEmpty()
                ? List.of()
                : exceeding(savepoints, policy, now)
                        .filter(savepoint -> !good.contains(savepoint))
                        .filter(savepoint -> inUse.stream().noneMatch(savepoint::isAt))
                        .toList();
    }

    /**
     * What {@link Lineage} would go on from, were there no checkpoint: what the head was stopped with; or else its own
     * newest that the job hasn't gone back behind, and where that wasn't seen by us, its newest that was; or else what
     * the head began with.
     */
    Set<Savepoint> lastGood() {
        List<Savepoint> there = savepoints.stream()
                .filter(savepoint -> !lost.contains(savepoint))
                .toList();
        if (stoppedWith != null) {
            return first(there.stream().filter(savepoint -> savepoint.isAt(stoppedWith)))
                    .map(Set::of)
                    .orElse(Set.of());
        }
        List<Savepoint> own = there.stream()
                .filter(savepoint -> savepoint.attempt().equals(head.id()))
                .filter(savepoint -> savepoint.restarts() >= head.restarts())
                .toList();
        Set<Savepoint> good = new LinkedHashSet<>();
        first(own.stream()).ifPresent(good::add);
        first(own.stream().filter(Savepoint::verified)).ifPresent(good::add);
        StoragePath start = head.restoredFrom();
        if (good.isEmpty() && start != null) {
            first(there.stream().filter(savepoint -> savepoint.isAt(start))).ifPresent(good::add);
        }
        return good;
    }

    private static Optional<Savepoint> first(Stream<Savepoint> savepoints) {
        return savepoints.findFirst();
    }
}
