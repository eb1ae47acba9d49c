package io.sluiceway.ledger.dynamodb;

import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.JobEvent;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.RequestId;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.AttemptState;
import io.sluiceway.ledger.HistoryEntry;
import io.sluiceway.ledger.Job;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.JobReadiness;
import io.sluiceway.ledger.LedgerChange;
import io.sluiceway.ledger.LedgerChange.AddEvent;
import io.sluiceway.ledger.LedgerChange.AddHistory;
import io.sluiceway.ledger.LedgerChange.AddSavepoint;
import io.sluiceway.ledger.LedgerChange.PutAttempt;
import io.sluiceway.ledger.LedgerChange.PutJob;
import io.sluiceway.ledger.LedgerChange.PutOperation;
import io.sluiceway.ledger.LedgerChange.PutReadiness;
import io.sluiceway.ledger.LedgerChange.PutRequest;
import io.sluiceway.ledger.LedgerChange.PutSavepoint;
import io.sluiceway.ledger.LedgerChange.RemoveSavepoint;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.ledger.Page;
import io.sluiceway.ledger.RequestKey;
import io.sluiceway.ledger.RequestRecord;
import io.sluiceway.ledger.Savepoint;
import io.sluiceway.ledger.Versioned;
import io.sluiceway.operation.Operation;
import io.sluiceway.operation.OperationId;
import io.sluiceway.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClientBuilder;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.CancellationReason;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;
import software.amazon.awssdk.services.dynamodb.model.QueryRequest;
import software.amazon.awssdk.services.dynamodb.model.QueryResponse;
import software.amazon.awssdk.services.dynamodb.model.TransactWriteItem;
import software.amazon.awssdk.services.dynamodb.model.TransactionCanceledException;

/**
 * The ledger in one Amazon DynamoDB table with the string keys {@code pk} and {@code sk}, whose time to live is the
 * attribute {@code expiresAt}.
 *
 * <p>What only answers for repeated calls or tells of the past expires: requests, history, events, and operations and
 * attempts of kind RUN that have ended; a write gives a record the whole time anew. DynamoDB removes an expired item
 * some days late, and until then it is read as any other: a request that is still there is still answered for.
 */
public final class DynamoDbJobLedger implements JobLedger {
    private static final int MOST_CHANGES = 20;
    private static final int MOST_ITEMS = 1000;

    /** DynamoDB's own limit of one {@code BatchGetItem}. */
    private static final int MOST_ITEMS_A_BATCH = 100;

    /** DynamoDB's own limit of an item, in bytes. */
    private static final int LARGEST_ITEM = 400 * 1024;

    /** The types of items that nobody changes once they are there. */
    private static final Set<String> NEVER_REPLACED = Set.of("HISTORY", "EVENT");

    private static final String TYPE = "type";
    private static final String VERSION = "version";
    private static final String COMMIT_ID = "commitId";
    private static final String EXPIRES_AT = "expiresAt";

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(2);

    /** The time limits of {@link Table} end a read before this; it is for the case that one is missed. */
    private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(3);

    private static final int TRIES = 3;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration FIRST_PAUSE_WHEN_THROTTLED = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    private final Table table;
    private final Duration retention;
    private final Duration eventRetention;

    /**
     * A ledger in a table.
     *
     * @param client gives the one client, made by {@link #newClientBuilder()} when the first record is asked for
     * @param tableName the table
     * @param retention how long that is kept which may go; longer than anybody repeats a request
     * @param eventRetention how long events are kept, published or not; longer than anybody asks for what was missed
     */
    public DynamoDbJobLedger(
            Supplier<DynamoDbClient> client, String tableName, Duration retention, Duration eventRetention) {
        this.table = new Table(client, tableName);
        this.retention = retention;
        this.eventRetention = eventRetention;
    }

    /** Makes clients that try three times, with jitter in between, and give a lost connection up in time. */
    public static DynamoDbClientBuilder newClientBuilder() {
        // A repeated write is harmless: its tries share a token, its conditions hold once, and what it wrote carries
        // its id.
        return DynamoDbClient.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT_TIMEOUT)
                        .socketTimeout(SOCKET_TIMEOUT))
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.standardRetryStrategy().toBuilder()
                        .maxAttempts(TRIES)
                        .backoffStrategy(BackoffStrategy.exponentialDelay(FIRST_PAUSE, LONGEST_PAUSE))
                        .throttlingBackoffStrategy(
                                BackoffStrategy.exponentialDelay(FIRST_PAUSE_WHEN_THROTTLED, LONGEST_PAUSE))
                        .retryOnException(Table::worthAnotherTry)
                        .treatAsThrottling(Table::isThrottling)
                        .build()));
    }

    @Override
    public Optional<Versioned<Job>> findJob(ClusterName cluster, JobName job, Deadline deadline) {
        return find(Key.ofJob(cluster, job), "JOB", Items::job, deadline);
    }

    @Override
    public Optional<Versioned<RequestRecord>> findRequest(RequestKey key, Deadline deadline) {
        return find(Key.ofRequest(key), "REQUEST", Items::request, deadline);
    }

    @Override
    public Optional<Versioned<Attempt>> findAttempt(ClusterName cluster, FlinkJobId id, Deadline deadline) {
        return find(Key.ofAttempt(cluster, id), "ATTEMPT", Items::attempt, deadline);
    }

    @Override
    public List<Versioned<Attempt>> findAttempts(ClusterName cluster, Set<FlinkJobId> ids, Deadline deadline) {
        if (ids.size() > MOST_ITEMS) {
            throw new IllegalArgumentException("1,000 attempts are read at once, not " + ids.size() + ".");
        }
        Deque<Map<String, AttributeValue>> left = new ArrayDeque<>();
        ids.forEach(id -> left.add(Key.ofAttempt(cluster, id).attributes()));
        List<Versioned<Attempt>> found = new ArrayList<>();
        Duration pause = FIRST_PAUSE;
        while (!left.isEmpty()) {
            List<Map<String, AttributeValue>> keys = new ArrayList<>();
            while (keys.size() < MOST_ITEMS_A_BATCH && !left.isEmpty()) {
                keys.add(left.poll());
            }
            BatchGetItemResponse answer = table.call(
                    deadline,
                    client -> client.batchGetItem(get -> get.requestItems(Map.of(
                                    table.name(),
                                    KeysAndAttributes.builder()
                                            .keys(keys)
                                            .consistentRead(true)
                                            .build()))
                            .overrideConfiguration(Table.within(deadline))));
            answer.responses()
                    .getOrDefault(table.name(), List.of())
                    .forEach(item -> found.add(versioned(item, "ATTEMPT", Items::attempt)));
            KeysAndAttributes unread = answer.unprocessedKeys().get(table.name());
            if (unread != null && !unread.keys().isEmpty()) {
                // Of more than 16 MB, or of what the table can bear at the moment, a part is answered.
                left.addAll(unread.keys());
                table.pause(pause, deadline);
                pause = pause.multipliedBy(2);
            }
        }
        return found;
    }

    @Override
    public Optional<Versioned<Operation>> findOperation(OperationId id, Deadline deadline) {
        return find(Key.ofOperation(id), "OPERATION", Items::operation, deadline);
    }

    @Override
    public Optional<Versioned<JobReadiness>> findReadiness(
            ClusterName cluster, JobName job, @Nullable RequestId run, Deadline deadline) {
        return find(Key.ofReadiness(cluster, job, run), "READINESS", Items::readiness, deadline);
    }

    private <T> Optional<Versioned<T>> find(Key key, String type, Function<Fields, T> reader, Deadline deadline) {
        Map<String, AttributeValue> item = table.call(
                        deadline,
                        client -> client.getItem(get -> get.tableName(table.name())
                                .key(key.attributes())
                                .consistentRead(true)
                                .overrideConfiguration(Table.within(deadline))))
                .item();
        return item.isEmpty() ? Optional.empty() : Optional.of(versioned(item, type, reader));
    }

    private <T> Versioned<T> versioned(Map<String, AttributeValue> item, String type, Function<Fields, T> reader) {
        return read(item, type, fields -> new Versioned<>(reader.apply(fields), version(fields)));
    }

    private static long version(Fields fields) {
        return fields.number(VERSION);
    }

    private <T> T read(Map<String, AttributeValue> item, String type, Function<Fields, T> reader) {
        Fields fields = new Fields(item);
        try {
            if (!fields.text(TYPE).equals(type)) {
                throw unreadable(item, TYPE);
            }
            return reader.apply(fields);
        } catch (Fields.UnreadableException e) {
            throw unreadable(item, e.attribute());
        }
    }

    private RefusedException unreadable(Map<String, AttributeValue> item, String attribute) {
        return table.invalid(
                "Table %s holds an item that Sluiceway didn't write or a newer version of it did: %s of %s can't be read."
                        .formatted(
                                Quoted.of(table.name()),
                                attribute,
                                Quoted.of(keyOf(item).toString())));
    }

    private static Key keyOf(Map<String, AttributeValue> item) {
        Fields fields = new Fields(item);
        return new Key(fields.text(Key.PK), fields.text(Key.SK));
    }

    @Override
    public Optional<Versioned<Savepoint>> findSavepoint(
            ClusterName cluster, JobName job, OperationId operation, Deadline deadline) {
        return find(Key.ofSavepoint(cluster, job, operation), "SAVEPOINT", Items::savepoint, deadline);
    }

    @Override
    public List<Savepoint> savepoints(ClusterName cluster, JobName job, Deadline deadline) {
        return query(Key.about(cluster, job), Key.SAVEPOINT, null, Integer.MAX_VALUE, true, deadline).stream()
                .map(item -> read(item, "SAVEPOINT", Items::savepoint))
                .sorted(Comparator.comparing(Savepoint::completedAt)
                        .thenComparing(savepoint -> savepoint.operation().value())
                        .reversed())
                .toList();
    }

    @Override
    public Page<Job> jobs(ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        checkLimit(limit);
        if (after != null && !isJobName(after)) {
            throw notAToken(after);
        }
        return page(
                query(Key.jobsOf(cluster), Key.JOB, after, limit + 1, true, deadline),
                limit,
                Key.JOB,
                item -> read(item, "JOB", Items::job));
    }

    private static boolean isJobName(String text) {
        try {
            return new JobName(text).value().equals(text);
        } catch (RefusedException e) {
            return false;
        }
    }

    @Override
    public Page<Versioned<Attempt>> livingAttempts(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        return copies(Key.livingOf(cluster), Key.LIVING, "LIVING", Items::attempt, limit, after, deadline);
    }

    @Override
    public Page<Versioned<Operation>> openOperations(
            ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        return copies(Key.openOf(cluster), Key.OPEN, "OPEN", Items::operation, limit, after, deadline);
    }

    private <T> Page<Versioned<T>> copies(
            String partition,
            String prefix,
            String type,
            Function<Fields, T> reader,
            int limit,
            @Nullable String after,
            Deadline deadline) {
        checkLimit(limit);
        if (after != null && !Key.isOfAJob(after)) {
            throw notAToken(after);
        }
        return page(
                query(partition, prefix, after, limit + 1, true, deadline),
                limit,
                prefix,
                item -> versioned(item, type, reader));
    }

    @Override
    public Page<HistoryEntry> history(
            ClusterName cluster, JobName job, int limit, @Nullable String after, Deadline deadline) {
        checkLimit(limit);
        if (after != null && !Key.isLine(after)) {
            throw notAToken(after);
        }
        return page(
                query(Key.about(cluster, job), Key.HISTORY, after, limit + 1, false, deadline),
                limit,
                Key.HISTORY,
                item -> read(item, "HISTORY", Items::line));
    }

    @Override
    public Page<JobEvent> events(ClusterName cluster, JobName job, long afterSequence, int limit, Deadline deadline) {
        checkLimit(limit);
        return page(
                query(
                        Key.about(cluster, job),
                        Key.EVENT,
                        afterSequence == 0 ? null : Key.sequence(afterSequence),
                        limit + 1,
                        true,
                        deadline),
                limit,
                Key.EVENT,
                item -> read(item, "EVENT", Items::event));
    }

    @Override
    public Page<JobEvent> pendingEvents(ClusterName cluster, int limit, @Nullable String after, Deadline deadline) {
        checkLimit(limit);
        if (after != null && !Key.isPending(after)) {
            throw notAToken(after);
        }
        return page(
                query(Key.pendingOf(cluster), Key.EVENT, after, limit + 1, true, deadline),
                limit,
                Key.EVENT,
                item -> read(item, "PENDING", Items::event));
    }

    @Override
    public void published(List<JobEvent> events, Deadline deadline) {
        for (JobEvent event : events) {
            table.call(
                    deadline,
                    client -> client.deleteItem(delete -> delete.tableName(table.name())
                            .key(Key.ofPending(event).attributes())
                            .overrideConfiguration(Table.within(deadline))));
        }
    }

    private static void checkLimit(int limit) {
        if (limit < 1 || limit > MOST_ITEMS) {
            throw new IllegalArgumentException("A page has 1 to 1,000 items, not " + limit + ".");
        }
    }

    private static RefusedException notAToken(String after) {
        return new RefusedException(
                ErrorCode.FIELD_INVALID,
                "The page token %s is none that the page before gave.".formatted(Quoted.of(after)));
    }

    /** A page of items of which one more than the limit was asked for, so that the last page knows that it is. */
    private static <T> Page<T> page(
            List<Map<String, AttributeValue>> items,
            int limit,
            String prefix,
            Function<Map<String, AttributeValue>, T> reader) {
        List<Map<String, AttributeValue>> page = items.subList(0, Math.min(limit, items.size()));
        return new Page<>(
                page.stream().map(reader).toList(),
                items.size() > limit ? keyOf(page.getLast()).sk().substring(prefix.length()) : null);
    }

    /**
     * Reads the items of a partition whose sort keys begin with the prefix, in the order of those keys or against it.
     *
     * @param after what followed the prefix in the last item before; absent: from the beginning
     */
    private List<Map<String, AttributeValue>> query(
            String partition, String prefix, @Nullable String after, int most, boolean forward, Deadline deadline) {
        List<Map<String, AttributeValue>> items = new ArrayList<>();
        Map<String, AttributeValue> from = after == null ? Map.of() : new Key(partition, prefix + after).attributes();
        do {
            QueryRequest.Builder request = QueryRequest.builder()
                    .tableName(table.name())
                    .keyConditionExpression("#pk = :pk AND begins_with(#sk, :prefix)")
                    .expressionAttributeNames(Map.of("#pk", Key.PK, "#sk", Key.SK))
                    .expressionAttributeValues(
                            Map.of(":pk", AttributeValue.fromS(partition), ":prefix", AttributeValue.fromS(prefix)))
                    .consistentRead(true)
                    .scanIndexForward(forward)
                    .limit(Math.min(most - items.size(), MOST_ITEMS + 1))
                    .exclusiveStartKey(from.isEmpty() ? null : from)
                    .overrideConfiguration(Table.within(deadline));
            // One answer holds a megabyte at the most.
            QueryResponse answer = table.call(deadline, client -> client.query(request.build()));
            items.addAll(answer.items());
            from = answer.lastEvaluatedKey();
        } while (!from.isEmpty() && items.size() < most);
        return items;
    }

    /** One record to write, or to take away where there is no item, with what must be so before. */
    private record Put(Key key, long version, Map<String, AttributeValue> item, boolean onceOnly) {
        /** Without the item, which may hold a program's arguments. */
        @Override
        public String toString() {
            return "Put[%s at %d]".formatted(key, version);
        }

        private TransactWriteItem in(String tableName) {
            if (item.isEmpty()) {
                return TransactWriteItem.builder()
                        .delete(delete -> delete.tableName(tableName)
                                .key(key.attributes())
                                .conditionExpression("#version = :version")
                                .expressionAttributeNames(Map.of("#version", VERSION))
                                .expressionAttributeValues(
                                        Map.of(":version", AttributeValue.fromN(Long.toString(version)))))
                        .build();
            }
            return TransactWriteItem.builder()
                    .put(put -> {
                        put.tableName(tableName).item(item);
                        if (version == LedgerChange.ABSENT) {
                            put.conditionExpression("attribute_not_exists(#pk)")
                                    .expressionAttributeNames(Map.of("#pk", Key.PK));
                        } else {
                            put.conditionExpression("#version = :version")
                                    .expressionAttributeNames(Map.of("#version", VERSION))
                                    .expressionAttributeValues(
                                            Map.of(":version", AttributeValue.fromN(Long.toString(version))));
                        }
                    })
                    .build();
        }
    }

    /**
     * A record that lies whole in a second place as long as it hasn't ended, so that what hasn't is found without
     * reading all. It is written with the record and under the record's condition.
     *
     * @param item absent: it is removed from there
     */
    private record Copy(Key key, @Nullable Map<String, AttributeValue> item) {
        /** Without the item, which may hold a program's arguments. */
        @Override
        public String toString() {
            return "Copy[%s]".formatted(key);
        }

        private TransactWriteItem in(String tableName) {
            TransactWriteItem.Builder write = TransactWriteItem.builder();
            return item == null
                    ? write.delete(delete -> delete.tableName(tableName).key(key.attributes()))
                            .build()
                    : write.put(put -> put.tableName(tableName).item(item)).build();
        }
    }

    @Override
    public void commit(List<LedgerChange> changes, Deadline deadline) throws LedgerConflictException {
        String commitId = UUID.randomUUID().toString().replace("-", "");
        Instant now = deadline.clock().instant();
        List<Put> puts = puts(changes, commitId, now);
        List<TransactWriteItem> items = new ArrayList<>();
        puts.forEach(put -> items.add(put.in(table.name())));
        changes.forEach(change -> copy(change, commitId, now).ifPresent(copy -> items.add(copy.in(table.name()))));
        try {
            table.call(
                    deadline,
                    client -> client.transactWriteItems(write -> write.clientRequestToken(commitId)
                            .transactItems(items)
                            .overrideConfiguration(Table.within(deadline))));
        } catch (TransactionCanceledException e) {
            settle(e, puts, commitId, deadline);
        }
    }

    private List<Put> puts(List<LedgerChange> changes, String commitId, Instant now) {
        if (changes.isEmpty() || changes.size() > MOST_CHANGES) {
            throw new IllegalArgumentException("A commit makes 1 to 20 changes, not " + changes.size() + ".");
        }
        List<Put> puts = new ArrayList<>();
        for (LedgerChange change : changes) {
            puts.add(put(change, commitId, puts.size(), now));
            if (change instanceof AddEvent(JobEvent event, boolean pending) && pending) {
                puts.add(event(Key.ofPending(event), "PENDING", event, commitId, now));
            }
        }
        if (puts.stream().map(Put::key).distinct().count() < puts.size()) {
            throw new IllegalArgumentException("Two changes of one commit are of the same record.");
        }
        return puts;
    }

    private Optional<Copy> copy(LedgerChange change, String commitId, Instant now) {
        return switch (change) {
            case PutAttempt(Attempt attempt, long version) -> {
                // Nobody may ever see again one that nobody can tell of.
                Instant expiry = attempt.state() == AttemptState.UNKNOWN ? now.plus(retention) : null;
                Key key = Key.ofLiving(attempt);
                yield Optional.of(
                        attempt.state().terminal()
                                ? new Copy(key, null)
                                : copy(key, "LIVING", version, Items.ofAttempt(attempt), commitId, expiry));
            }
            case PutOperation(Operation operation, long version) -> {
                Key key = Key.ofOpen(operation);
                yield Optional.of(
                        operation.state().terminal()
                                ? new Copy(key, null)
                                : copy(key, "OPEN", version, Items.ofOperation(operation), commitId, null));
            }
            case PutJob _,
                    PutRequest _,
                    PutReadiness _,
                    AddSavepoint _,
                    PutSavepoint _,
                    RemoveSavepoint _,
                    AddHistory _,
                    AddEvent _ -> Optional.empty();
        };
    }

    private static Copy copy(
            Key key, String type, long version, Attributes attributes, String commitId, @Nullable Instant expiry) {
        Map<String, AttributeValue> item =
                put(key, type, version, attributes, commitId, expiry).item();
        checkSize(item);
        return new Copy(key, item);
    }

    private Put put(LedgerChange change, String commitId, int number, Instant now) {
        Instant expiry = now.plus(retention);
        return switch (change) {
            case PutJob(Job job, long version) ->
                put(Key.ofJob(job.cluster(), job.name()), "JOB", version, Items.ofJob(job), commitId, null);
            case PutRequest(RequestRecord request, long version) ->
                put(Key.ofRequest(request.key()), "REQUEST", version, Items.ofRequest(request), commitId, expiry);
            case PutAttempt(Attempt attempt, long version) -> {
                boolean mayGo = attempt.state().terminal() && attempt.spec().kind() == JobKind.RUN;
                Put put = put(
                        Key.ofAttempt(attempt.spec().cluster(), attempt.id()),
                        "ATTEMPT",
                        version,
                        Items.ofAttempt(attempt),
                        commitId,
                        mayGo ? expiry : null);
                checkSize(put.item());
                yield put;
            }
            case PutOperation(Operation operation, long version) ->
                put(
                        Key.ofOperation(operation.id()),
                        "OPERATION",
                        version,
                        Items.ofOperation(operation),
                        commitId,
                        operation.state().terminal() ? expiry : null);
            case PutReadiness(JobReadiness readiness, long version) ->
                put(
                        Key.ofReadiness(readiness.cluster(), readiness.job(), readiness.run()),
                        "READINESS",
                        version,
                        Items.ofReadiness(readiness),
                        commitId,
                        readiness.run() == null ? null : expiry);
            case AddSavepoint(Savepoint savepoint) ->
                put(
                        Key.ofSavepoint(savepoint),
                        "SAVEPOINT",
                        LedgerChange.ABSENT,
                        Items.ofSavepoint(savepoint),
                        commitId,
                        null);
            case PutSavepoint(Savepoint savepoint, long version) ->
                put(Key.ofSavepoint(savepoint), "SAVEPOINT", version, Items.ofSavepoint(savepoint), commitId, null);
            case RemoveSavepoint(Savepoint savepoint, long version) ->
                new Put(Key.ofSavepoint(savepoint), version, Map.of(), false);
            case AddHistory(HistoryEntry entry) ->
                put(
                        Key.ofLine(entry, commitId, number),
                        "HISTORY",
                        LedgerChange.ABSENT,
                        Items.ofLine(entry),
                        commitId,
                        expiry);
            case AddEvent(JobEvent event, boolean _) -> event(Key.ofEvent(event), "EVENT", event, commitId, now);
        };
    }

    private Put event(Key key, String type, JobEvent event, String commitId, Instant now) {
        return put(key, type, LedgerChange.ABSENT, Items.ofEvent(event), commitId, now.plus(eventRetention));
    }

    private static Put put(
            Key key, String type, long version, Attributes attributes, String commitId, @Nullable Instant expiry) {
        Map<String, AttributeValue> item = new Attributes()
                .all(key.attributes())
                .text(TYPE, type)
                .number(VERSION, version + 1)
                .text(COMMIT_ID, commitId)
                .number(EXPIRES_AT, expiry == null ? null : expiry.getEpochSecond())
                .all(attributes.made())
                .made();
        return new Put(key, version, item, NEVER_REPLACED.contains(type));
    }

    /** Refuses, before anything is asked, what would never fit: only arguments can be that long. */
    private static void checkSize(Map<String, AttributeValue> item) {
        long size = Attributes.size(item);
        if (size > LARGEST_ITEM) {
            throw new RefusedException(
                    ErrorCode.FIELD_INVALID,
                    "The job takes %,d bytes in the ledger, and 409,600 is the most: shorten job.args, or let the program read them from a file."
                            .formatted(size));
        }
    }

    /**
     * Finds out what a cancelled transaction means. The last try of several is cancelled by what the first one wrote,
     * where a server doesn't know their common token any more; so the records themselves are asked whose they are.
     */
    private void settle(TransactionCanceledException e, List<Put> puts, String commitId, Deadline deadline)
            throws LedgerConflictException {
        List<String> reasons = e.cancellationReasons().stream()
                .map(CancellationReason::code)
                .filter(code -> code != null && !code.equals("None"))
                .distinct()
                .toList();
        boolean outdated = reasons.contains("ConditionalCheckFailed");
        if (!outdated && !reasons.contains("TransactionConflict")) {
            throw cancelled(reasons);
        }
        Optional<Put> onceOnly = puts.stream().filter(Put::onceOnly).findFirst();
        if (isMade(onceOnly.map(List::of).orElse(puts), commitId, deadline)) {
            return;
        }
        Integer tries = e.numAttempts();
        boolean onlyTry = tries != null && tries == 1;
        // Of several tries, one whose answer was lost may have been made and been replaced by others since, unless it
        // would have left what nobody replaces; or it may still be on its way, unless its condition can't hold again.
        if (!onlyTry && !(outdated && onceOnly.isPresent())) {
            throw table.unavailable(
                    "DynamoDB's answer for table %s was lost, and whether the change was made can't be seen."
                            .formatted(Quoted.of(table.name())));
        }
        // Another transaction that is under way with a record will have changed it, so trying again first would only
        // be refused later: whoever asked reads again.
        throw new LedgerConflictException("%s was changed by somebody else since it was read."
                .formatted(Quoted.of(conflicting(e, puts).toString())));
    }

    private boolean isMade(List<Put> puts, String commitId, Deadline deadline) {
        for (Put put : puts) {
            Map<String, AttributeValue> item = table.call(
                            deadline,
                            client -> client.getItem(get -> get.tableName(table.name())
                                    .key(put.key().attributes())
                                    .projectionExpression("#commitId")
                                    .expressionAttributeNames(Map.of("#commitId", COMMIT_ID))
                                    .consistentRead(true)
                                    .overrideConfiguration(Table.within(deadline))))
                    .item();
            if (item.containsKey(COMMIT_ID)
                    && commitId.equals(item.get(COMMIT_ID).s())) {
                return true;
            }
        }
        return false;
    }

    private static Key conflicting(TransactionCanceledException e, List<Put> puts) {
        List<CancellationReason> reasons = e.cancellationReasons();
        for (int i = 0; i < Math.min(reasons.size(), puts.size()); i++) {
            if (!"None".equals(reasons.get(i).code())) {
                return puts.get(i).key();
            }
        }
        return puts.getFirst().key();
    }

    private RefusedException cancelled(List<String> reasons) {
        String sentence = "DynamoDB cancelled a transaction on table %s (%s)."
                .formatted(Quoted.of(table.name()), Quoted.plain(String.join(", ", reasons), 120));
        boolean forGood = reasons.contains("ValidationError") || reasons.contains("ItemCollectionSizeLimitExceeded");
        return forGood ? table.invalid(sentence) : table.unavailable(sentence);
    }
}
