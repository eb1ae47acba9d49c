package io.sluiceway.control.property;

import io.sluiceway.cluster.Clusters;
import io.sluiceway.cluster.FakeFlinkCluster;
import io.sluiceway.cluster.FakeFlinkCluster.SavepointEnd;
import io.sluiceway.cluster.FlinkCluster;
import io.sluiceway.cluster.JobLaunch;
import io.sluiceway.cluster.RunAnswer;
import io.sluiceway.control.Answer;
import io.sluiceway.control.Answer.Planned;
import io.sluiceway.control.Answer.RequestCancelled;
import io.sluiceway.control.Answer.Submitted;
import io.sluiceway.control.DryRun;
import io.sluiceway.control.Jars;
import io.sluiceway.control.Limits;
import io.sluiceway.control.MonitorJobs;
import io.sluiceway.control.ObserveJob;
import io.sluiceway.control.Outbox;
import io.sluiceway.control.Plan.Action;
import io.sluiceway.control.Ports;
import io.sluiceway.control.StopJob;
import io.sluiceway.control.SubmitJob;
import io.sluiceway.control.TakeSavepoint;
import io.sluiceway.control.Target;
import io.sluiceway.control.property.Step.Aim;
import io.sluiceway.control.property.Step.Asker;
import io.sluiceway.control.property.Step.Call;
import io.sluiceway.control.property.Step.Caller;
import io.sluiceway.control.property.Step.Event;
import io.sluiceway.control.property.Step.Happening;
import io.sluiceway.control.property.Step.Name;
import io.sluiceway.control.property.Step.Trouble;
import io.sluiceway.control.property.Step.Variant;
import io.sluiceway.control.property.Step.Verb;
import io.sluiceway.control.property.Step.Where;
import io.sluiceway.control.property.Violation.Promise;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;
import io.sluiceway.event.EventBus;
import io.sluiceway.event.FakeEventBus;
import io.sluiceway.jar.FakeJarStore;
import io.sluiceway.jar.JarDigest;
import io.sluiceway.jar.JarReference;
import io.sluiceway.jar.JarStore;
import io.sluiceway.jar.JarUri;
import io.sluiceway.job.ClusterName;
import io.sluiceway.job.FlinkJobId;
import io.sluiceway.job.HealthPolicy;
import io.sluiceway.job.JobKind;
import io.sluiceway.job.JobName;
import io.sluiceway.job.JobRef;
import io.sluiceway.job.JobSpec;
import io.sluiceway.job.JobSpec.OnUnknown;
import io.sluiceway.job.JobStatus.JobOverview;
import io.sluiceway.job.Request;
import io.sluiceway.job.RequestId;
import io.sluiceway.job.RestorePoint;
import io.sluiceway.ledger.Attempt;
import io.sluiceway.ledger.FakeJobLedger;
import io.sluiceway.ledger.JobLedger;
import io.sluiceway.ledger.LedgerConflictException;
import io.sluiceway.metrics.MetricsSink;
import io.sluiceway.operation.Operation;
import io.sluiceway.savepoint.FakeSavepointStore;
import io.sluiceway.savepoint.SavepointStore;
import io.sluiceway.savepoint.SavepointStore.Listing;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.MovableClock;
import io.sluiceway.testing.TestJobJar;
import io.sluiceway.time.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The real verbs over fake ports, with a seam in between at which processes are killed and paused, answers are lost and
 * messages are late. Everything happens in one thread: what others do "at the same time" happens while a process is
 * paused.
 */
final class World {
    private static final ClusterName CLUSTER = new ClusterName("fake");
    private static final JobName STREAM = new JobName("stream");
    private static final JobName RUN = new JobName("run");
    private static final String JAR_URI = "s3://jars/job.jar";
    private static final Limits LIMITS =
            new Limits(Duration.ofSeconds(15), Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofMinutes(15));

    /** Two clocks that are wrong by half of this together leave the fence a fence. */
    private static final Duration CLOCKS_DIFFER = Duration.ofSeconds(20);

    private static final Duration TRIGGERS_KEPT = Duration.ofMinutes(5);
    /** Where Linux keeps files in memory: jars are copied all the time. */
    private static final Path MEMORY = Path.of("/dev/shm");

    private static final int ROUNDS_UNTIL_QUIET = 8;

    /** The process is killed; no verb may notice. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;

        Killed() {
            super("killed", null, false, false);
        }
    }

    /** What a process asked of the cluster that changes something there. */
    record Asked(String method, List<Object> arguments) {
        @Override
        public String toString() {
            return method;
        }
    }

    /** Something on its way to the cluster. */
    private record Message(String what, Runnable arrival) {}

    private static Path jarFile;
    private static JarDigest jarDigest;
    private static Path workDirectory;

    private final MovableClock clock = new MovableClock(Instant.parse("2013-01-05T10:00:00Z"));
    private final FakeSavepointStore store = new FakeSavepointStore();
    private final FakeFlinkCluster cluster;
    private final FakeJobLedger ledger;
    private final FakeJarStore jars = new FakeJarStore();
    private final FakeEventBus bus = new FakeEventBus();
    private final Judge judge;
    private final boolean plans;
    private final List<Action> planned = new ArrayList<>();
    private final Deque<Acting> processes = new ArrayDeque<>();
    private final List<Message> underWay = new ArrayList<>();
    private boolean clusterDown;
    private Instant triggersMayGo = Instant.MIN;
    private int checkpoints;
    private final List<String> told = new ArrayList<>();

    /** What there is one of in a world, so that a test can switch off what the promises rest on. */
    interface Parts {
        default FakeFlinkCluster cluster(ClusterName name, Clock clock, FakeSavepointStore store) {
            return new FakeFlinkCluster(name, 3, clock, store);
        }

        default FakeJobLedger ledger() {
            return new FakeJobLedger();
        }

        default Set<Promise> promises() {
            return EnumSet.allOf(Promise.class);
        }

        /** Whether each call is planned before it is made, and held against its plan. */
        default boolean plans() {
            return false;
        }
    }

    World(Parts parts) {
        prepareTheJar();
        cluster = parts.cluster(CLUSTER, clock, store);
        cluster.beSlow();
        // A cluster that has the jar saves the test much copying; a replaced JobManager lacks it.
        cluster.addJar(jarDigest, jarFile, Deadline.in(Duration.ofSeconds(1), clock));
        ledger = parts.ledger();
        judge = new Judge(cluster, ledger, store, bus, parts.promises());
        plans = parts.plans();
        jars.put(JAR_URI, jarFile);
    }

    /** What a process sees of the world; what it knows of what it has recorded dies with it. */
    private Ports ports() {
        return new Ports(
                new Clusters(List.of(seam(FlinkCluster.class, cluster))),
                new Outbox(seam(JobLedger.class, ledger), seam(EventBus.class, bus)),
                seam(SavepointStore.class, store),
                LIMITS);
    }

    private static synchronized void prepareTheJar() {
        if (jarFile == null) {
            try {
                workDirectory =
                        Files.createTempDirectory(Files.isDirectory(MEMORY) ? MEMORY : Path.of("target"), "property");
                workDirectory.toFile().deleteOnExit();
                jarFile = TestJobJar.write(workDirectory.resolve("job.jar"), 0);
                jarFile.toFile().deleteOnExit();
                jarDigest = TestJobJar.digest(jarFile);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** What the calls were planned to do, in order. */
    List<Action> planned() {
        return List.copyOf(planned);
    }

    /** What was done and answered, a line each. */
    List<String> told() {
        return List.copyOf(told);
    }

    /** Takes a step, and judges. */
    void take(Step step) {
        switch (step) {
            case Call call -> call(call);
            case Event event -> {
                told.add("  ".repeat(processes.size()) + event);
                happen(event);
            }
        }
        judge.check();
    }

    /** Lets everything come to its end, and judges. */
    void settle() {
        happen(new Event.ClusterDown(false));
        happen(new Event.StoreUnreadable(false));
        while (!underWay.isEmpty()) {
            happen(new Event.Delivered(0));
            judge.check();
        }
        List<Object> before = List.of();
        for (int round = 1; round <= ROUNDS_UNTIL_QUIET; round++) {
            cluster.endSavepoints(SavepointEnd.COMPLETE);
            clock.move(LIMITS.giveUpAfter().plus(LIMITS.giveUpAfter()));
            for (int i = 0; i < ledger.operations().size(); i++) {
                take(new Call(new Verb.ObserveOperation(i), new Caller(0, false), List.of()));
            }
            for (int i = 0; i < ledger.attempts().size(); i++) {
                take(new Call(new Verb.ObserveJob(new Aim(i)), new Caller(0, false), List.of()));
            }
            List<Object> now = List.of(ledger.operations(), ledger.attempts(), ledger.jobs(), cluster.listJobs(null));
            if (now.equals(before)) {
                new MonitorJobs(ports(), MetricsSink.none(), new Jars(jars, Set.of("jars"), workDirectory), 1)
                        .monitor(null, List.of(), Deadline.in(Duration.ofMinutes(1), clock));
                judge.checkEnd();
                return;
            }
            before = now;
        }
        judge.hold(Promise.EVERYTHING_ENDS, false, "it goes on and on");
    }

    // Calls

    private void call(Call call) {
        Acting process = new Acting(call);
        String indent = "  ".repeat(processes.size());
        told.add(indent + call);
        Agreement agreement = plans && isChange(call.verb()) ? plan(call) : null;
        processes.push(process);
        try {
            told.add(indent + "= " + performAndPublish(call.verb(), process));
            if (agreement != null && call.troubles().isEmpty()) {
                agreement.holdAnswer(Objects.requireNonNull(process.answer), process.asked);
            }
        } catch (Killed killed) {
            told.add(indent + "= killed");
            judge.hold(Promise.NOTHING_UNEXPECTED, process.dead, "another process died");
        } catch (RefusedException refused) {
            told.add(indent + "= " + refused.code() + " " + refused.sentence());
            judge.hold(Promise.NOTHING_UNEXPECTED, !process.dead, "a killed process answered");
            judge.hold(
                    Promise.NOTHING_UNEXPECTED,
                    refused.code() != ErrorCode.LEDGER_INVALID && refused.code() != ErrorCode.INTERNAL_ERROR,
                    refused.toString());
            if (agreement != null && call.troubles().isEmpty()) {
                agreement.holdRefusal(refused, process.asked);
            }
        } catch (RuntimeException e) {
            Violation violation = new Violation(Promise.NOTHING_UNEXPECTED, e.toString());
            violation.initCause(e);
            throw violation;
        } finally {
            processes.pop();
        }
    }

    /** As a function does around its verb. */
    private Object performAndPublish(Verb verb, Acting process) {
        try {
            return perform(verb, process);
        } finally {
            if (!process.dead) {
                process.ports.outbox().publish(process.deadline);
            }
        }
    }

    private Object perform(Verb verb, Acting process) {
        return switch (verb) {
            case Verb.Submit submit -> {
                Submitted answer = (Submitted) change(submit, process);
                judge.answered(
                        answer.attempt().spec().name(),
                        request(submit.asker()),
                        submit.rerun(),
                        answer.attempt().id());
                yield "%s %s %s"
                        .formatted(
                                answer.outcome(),
                                answer.attempt().state(),
                                answer.attempt().id());
            }
            case Verb.Stop stop -> {
                // Before: what is called may be another attempt then.
                Target target = target(stop.aim());
                Answer answer = change(stop, process);
                if (answer instanceof RequestCancelled) {
                    judge.cancelled(target.job(), request(stop.owner()));
                }
                yield answer;
            }
            case Verb.Take take -> change(take, process);
            case Verb.ObserveJob(Aim aim) -> {
                Attempt seen = new ObserveJob(process.ports)
                        .observe(target(aim), process.deadline)
                        .attempt();
                yield seen == null ? null : seen.state() + " " + seen.id();
            }
            case Verb.ObserveOperation(int number) -> {
                List<Operation> all = ledger.operations();
                yield all.isEmpty()
                        ? "none"
                        : new ObserveJob(process.ports)
                                .observe(all.get(number % all.size()).id(), jars(), process.deadline)
                                .operation();
            }
        };
    }

    private Answer change(Verb verb, Acting process) {
        process.answer = change(verb, process.ports, process.deadline);
        return process.answer;
    }

    private Answer change(Verb verb, Ports ports, Deadline deadline) {
        return switch (verb) {
            case Verb.Submit(Name name, Asker asker, Variant variant, boolean rerun) ->
                new SubmitJob(ports, jars()).submit(request(asker), spec(name, variant), rerun, deadline);
            case Verb.Stop(Asker asker, Aim aim, Asker owner, StopJob.Mode mode) ->
                new StopJob(ports)
                        .stop(request(asker), target(aim), owner == null ? null : request(owner), mode, deadline);
            case Verb.Take(Asker asker, Aim aim) ->
                new TakeSavepoint(ports).take(request(asker), target(aim), false, deadline);
            case Verb.ObserveJob _, Verb.ObserveOperation _ ->
                throw new IllegalArgumentException("It changes nothing that somebody asked for.");
        };
    }

    private static boolean isChange(Verb verb) {
        return switch (verb) {
            case Verb.Submit _, Verb.Stop _, Verb.Take _ -> true;
            case Verb.ObserveJob _, Verb.ObserveOperation _ -> false;
        };
    }

    private static Request request(Verb verb) {
        return switch (verb) {
            case Verb.Submit submit -> request(submit.asker());
            case Verb.Stop stop -> request(stop.asker());
            case Verb.Take take -> request(take.asker());
            case Verb.ObserveJob _, Verb.ObserveOperation _ ->
                throw new IllegalArgumentException("It changes nothing that somebody asked for.");
        };
    }

    private Jars jars() {
        return new Jars(seam(JarStore.class, jars), Set.of("jars"), workDirectory);
    }

    /** Plans a call, which has to change nothing. */
    private Agreement plan(Call call) {
        List<Object> before = everything();
        Acting process = new Acting(new Call(call.verb(), call.caller(), List.of()));
        Agreement agreement;
        processes.push(process);
        try {
            Planned plan = DryRun.of(
                    process.ports,
                    request(call.verb()),
                    process.deadline,
                    dry -> change(call.verb(), dry, process.deadline));
            planned.add(plan.plan().action());
            agreement = new Agreement(judge, plan, null);
        } catch (RefusedException refused) {
            agreement = new Agreement(judge, null, refused);
        } finally {
            processes.pop();
        }
        told.add("  ".repeat(processes.size()) + "? " + agreement);
        judge.hold(Promise.PLANS_HAVE_NO_EFFECT, process.asked.isEmpty(), process.asked + " was asked for");
        judge.hold(Promise.PLANS_HAVE_NO_EFFECT, process.writes == 0, "the ledger or the bus was written to");
        judge.hold(Promise.PLANS_HAVE_NO_EFFECT, everything().equals(before), "something has changed");
        return agreement;
    }

    /** All that a call can change. */
    private List<Object> everything() {
        return List.of(ledger.state(), cluster.state(), store.states(), bus.arrived(), underWay.size());
    }

    private static Request request(Asker asker) {
        return new Request(new RequestId(String.valueOf((char) ('a' + asker.request()))), asker.tryNumber());
    }

    private Target target(Aim aim) {
        List<Attempt> all = ledger.attempts();
        if (aim.attempt() == -2) {
            return new Target(CLUSTER, RUN, null);
        }
        return aim.attempt() < 0 || all.isEmpty()
                ? new Target(CLUSTER, STREAM, null)
                : new Target(CLUSTER, null, all.get(aim.attempt() % all.size()).id());
    }

    private static JobSpec spec(Name name, Variant variant) {
        String behaviour = switch (variant) {
            case ENDLESS, ENDLESS_LATEST, SAME_LATEST, WIDE_LATEST -> "endless";
            case BOUNDED -> "bounded";
            case FAILING_LATEST -> "failing";
            case REFUSING_LATEST -> "refusing";
            case STUMBLING_LATEST -> "stumbling";
        };
        boolean latest = variant != Variant.ENDLESS && variant != Variant.BOUNDED;
        return new JobSpec(
                name == Name.STREAM ? STREAM : RUN,
                name == Name.STREAM ? JobKind.STREAM : JobKind.RUN,
                CLUSTER,
                new JarReference(JarUri.parse(JAR_URI), null, variant == Variant.SAME_LATEST ? null : jarDigest),
                null,
                List.of(behaviour),
                variant == Variant.WIDE_LATEST ? 2 : 1,
                latest ? new RestorePoint.Latest(false) : new RestorePoint.None(),
                OnUnknown.REFUSE);
    }

    // Events

    private void happen(Event event) {
        switch (event) {
            case Event.Time(Duration passes) -> clock.move(passes);
            case Event.JobEnds(int living, var how) -> nth(living).ifPresent(job -> cluster.setState(job, how));
            case Event.JobRestarts(int living) ->
                nth(living)
                        .ifPresent(job -> cluster.setRestarts(
                                job,
                                cluster.observeJob(JobRef.unnamed(job), null)
                                                .orElseThrow()
                                                .restarts()
                                                .told()
                                                .orElseThrow()
                                        + 1));
            case Event.JobAils(int living) ->
                nth(living).ifPresent(job -> {
                    for (int i = 0; i < HealthPolicy.DEFAULT.restarts(); i++) {
                        cluster.failAndRestart(job);
                    }
                });
            case Event.Checkpoint(int living) ->
                nth(living)
                        .ifPresent(job -> store.put(
                                FakeFlinkCluster.CHECKPOINTS.child(job.value()).child("chk-" + ++checkpoints),
                                clock.instant()));
            case Event.SavepointsEnd(SavepointEnd how) -> {
                cluster.endSavepoints(how);
                triggersMayGo = clock.instant().plus(TRIGGERS_KEPT);
            }
            case Event.SavepointRemoved(int which) -> {
                List<StoragePath> all = List.copyOf(store.states().keySet());
                if (!all.isEmpty()) {
                    store.remove(all.get(which % all.size()));
                }
            }
            case Event.JobManagerReplaced(boolean highlyAvailable) -> {
                if (highlyAvailable) {
                    cluster.forgetAllButLivingJobs();
                } else {
                    cluster.forgetEverything();
                }
            }
            case Event.EndedJobsForgotten() -> cluster.forgetEndedJobs();
            case Event.TriggersForgotten() -> {
                if (clock.instant().isAfter(triggersMayGo)) {
                    cluster.forgetTriggers();
                }
            }
            case Event.Delivered(int message) -> {
                if (!underWay.isEmpty()) {
                    underWay.remove(message % underWay.size()).arrival().run();
                }
            }
            case Event.JarRemoved(boolean removed) -> {
                if (removed) {
                    jars.remove(JAR_URI);
                } else {
                    jars.put(JAR_URI, jarFile);
                }
            }
            case Event.ClusterDown(boolean down) -> clusterDown = down;
            case Event.StoreUnreadable(boolean unreadable) -> {
                if (unreadable) {
                    store.makeUnreadable(false);
                } else {
                    store.makeReadable();
                }
            }
        }
    }

    private java.util.Optional<FlinkJobId> nth(int number) {
        List<FlinkJobId> living = cluster.listJobs(null).stream()
                .filter(job -> !job.state().terminal())
                .map(JobOverview::id)
                .toList();
        return living.isEmpty()
                ? java.util.Optional.empty()
                : java.util.Optional.of(living.get(number % living.size()));
    }

    // The seam

    /** Somebody who calls, with a clock and a deadline of its own. */
    private final class Acting {
        private final Call call;
        private final Deadline deadline;
        private final Ports ports = ports();
        private final Map<Where, Integer> counts = new EnumMap<>(Where.class);
        private final List<Asked> asked = new ArrayList<>();
        private Answer answer;
        private int writes;
        private boolean dead;

        Acting(Call call) {
            this.call = call;
            this.deadline = Deadline.in(
                    call.caller().patient() ? Duration.ofMinutes(5) : Duration.ofSeconds(20),
                    new OwnClock(call.caller().clockSeconds()));
        }

        Duration clockIsFast() {
            return Duration.ofSeconds(call.caller().clockSeconds());
        }

        boolean clockIsWrong() {
            return clockIsFast().abs().compareTo(CLOCKS_DIFFER) > 0;
        }

        List<Happening> next(Where where) {
            int any = counts.merge(Where.ANY, 1, Integer::sum);
            int own = counts.merge(where, 1, Integer::sum);
            return call.troubles().stream()
                    .filter(trouble -> trouble.where() == Where.ANY
                            ? trouble.number() == any
                            : trouble.where() == where && trouble.number() == own)
                    .map(Trouble::what)
                    .toList();
        }
    }

    /** A clock that is fast or slow. Who waits before another try sees the time fly, so that nobody really sleeps. */
    private final class OwnClock extends Clock {
        private static final StackWalker STACK = StackWalker.getInstance();
        private final int fastBySeconds;

        OwnClock(int fastBySeconds) {
            this.fastBySeconds = fastBySeconds;
        }

        @Override
        public Instant instant() {
            boolean pausing = STACK.walk(frames ->
                    frames.limit(5).anyMatch(frame -> frame.getMethodName().equals("pause")));
            return pausing ? Instant.MAX : clock.instant().plusSeconds(fastBySeconds);
        }

        @Override
        public ZoneId getZone() {
            return clock.getZone();
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private <T> T seam(Class<T> port, T behind) {
        return port.cast(Proxy.newProxyInstance(
                port.getClassLoader(),
                new Class<?>[] {port},
                (proxy, method, arguments) -> method.isDefault()
                        ? java.lang.reflect.InvocationHandler.invokeDefault(proxy, method, arguments)
                        : cross(port, behind, method, arguments)));
    }

    private static Where where(Class<?> port, Method method) {
        if (port == JobLedger.class) {
            return switch (method.getName()) {
                case "commit" -> Where.COMMIT;
                case "published" -> Where.PUBLISH;
                default -> Where.READ;
            };
        }
        return switch (method.getName()) {
            case "publish" -> Where.PUBLISH;
            case "runJob" -> Where.RUN;
            case "addJar", "triggerSavepoint", "triggerStop", "cancelJob" -> Where.ACT;
            default -> Where.LOOK;
        };
    }

    private Object cross(Class<?> port, Object behind, Method method, Object[] arguments) throws Throwable {
        Acting process = processes.peek();
        boolean goesOut =
                arguments != null && Arrays.stream(arguments).anyMatch(argument -> argument instanceof Deadline);
        if (process == null || !goesOut) {
            return reach(behind, method, arguments);
        }
        judge.hold(Promise.NOTHING_UNEXPECTED, !process.dead, "a killed process called " + method.getName());
        if (process.clockIsWrong()) {
            judge.putPostsOutsideTheLimits();
        }
        Where where = where(port, method);
        if (where == Where.RUN || where == Where.ACT) {
            process.asked.add(new Asked(method.getName(), Arrays.asList(arguments.clone())));
        } else if (where == Where.COMMIT || where == Where.PUBLISH) {
            process.writes++;
        }
        List<Happening> happenings = process.next(where);
        for (Happening happening : happenings) {
            if (happening instanceof Happening.Killed(boolean afterwards) && !afterwards) {
                throw kill(process);
            }
            if (happening instanceof Happening.Paused(boolean afterwards, List<Step> meanwhile) && !afterwards) {
                meanwhile.forEach(this::take);
            }
        }
        Object answer = null;
        Throwable refusal = null;
        try {
            answer = send(process, port, where, behind, method, arguments, happenings);
        } catch (RefusedException | LedgerConflictException e) {
            refusal = e;
        }
        for (Happening happening : happenings) {
            if (happening instanceof Happening.Killed(boolean afterwards) && afterwards) {
                throw kill(process);
            }
            if (happening instanceof Happening.Paused(boolean afterwards, List<Step> meanwhile) && afterwards) {
                meanwhile.forEach(this::take);
            }
        }
        if (refusal != null) {
            throw refusal;
        }
        return answer;
    }

    private static Killed kill(Acting process) {
        process.dead = true;
        return new Killed();
    }

    private Object send(
            Acting process,
            Class<?> port,
            Where where,
            Object behind,
            Method method,
            Object[] arguments,
            List<Happening> happenings)
            throws Throwable {
        boolean timeIsUp = Arrays.stream(arguments)
                .anyMatch(argument -> argument instanceof Deadline deadline
                        && deadline.remaining().isZero());
        if (port == FlinkCluster.class && timeIsUp) {
            throw lost(port, ErrorCode.CLUSTER_TIMEOUT);
        }
        if (port == FlinkCluster.class && clusterDown) {
            throw lost(port, ErrorCode.CLUSTER_UNREACHABLE);
        }
        if (where == Where.RUN) {
            arguments = arguments.clone();
            arguments[1] = ((Instant) arguments[1]).minus(process.clockIsFast());
        }
        for (Happening happening : happenings) {
            switch (happening) {
                case Happening.Killed _, Happening.Paused _ -> {}
                case Happening.Conflict() -> {
                    if (where == Where.COMMIT) {
                        throw new LedgerConflictException("Somebody else was faster.");
                    }
                }
                case Happening.Unreachable() -> {
                    return refuse(port, ErrorCode.CLUSTER_UNREACHABLE);
                }
                case Happening.TimedOut() -> {
                    return refuse(port, ErrorCode.CLUSTER_TIMEOUT);
                }
                case Happening.Unanswered(boolean arrived) -> {
                    if (where == Where.RUN && !clock.instant().isBefore((Instant) arguments[1])) {
                        return new RunAnswer.TooLate();
                    }
                    if (arrived) {
                        try {
                            reach(behind, method, arguments);
                        } catch (RefusedException unheard) {
                            told.add("  ".repeat(processes.size()) + "unheard: " + unheard.getMessage());
                        }
                        judge.check();
                    }
                    return where == Where.RUN
                            ? new RunAnswer.AnswerLost("No answer came.")
                            : refuse(port, ErrorCode.CLUSTER_TIMEOUT);
                }
                case Happening.Delayed() -> {
                    if (where == Where.RUN && !clock.instant().isBefore((Instant) arguments[1])) {
                        return new RunAnswer.TooLate();
                    }
                    if (where == Where.RUN || where == Where.ACT) {
                        delay(where, behind, method, arguments);
                    }
                    return where == Where.RUN
                            ? new RunAnswer.AnswerLost("No answer came.")
                            : refuse(port, ErrorCode.CLUSTER_TIMEOUT);
                }
            }
        }
        Object answer = reach(behind, method, arguments);
        if (where == Where.COMMIT || where == Where.RUN || where == Where.ACT) {
            judge.check();
        }
        return answer;
    }

    private void delay(Where where, Object behind, Method method, Object[] arguments) {
        Object[] asked = arguments.clone();
        Instant limit = Instant.MAX;
        if (where == Where.RUN) {
            limit = ((Instant) asked[1]).plus(LIMITS.settleAfter()).minus(CLOCKS_DIFFER);
            asked[1] = Instant.MAX;
        }
        Instant inTime = limit;
        underWay.add(new Message(method.getName(), () -> {
            if (!clock.instant().isBefore(inTime)) {
                judge.putOutsideTheLimits(((JobLaunch) asked[0]).id());
            }
            try {
                reach(behind, method, asked);
            } catch (RefusedException unheard) {
                told.add("unheard: " + unheard.getMessage());
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }));
    }

    /** What a caller gets whose call did nothing; a store answers even then. */
    private static Object refuse(Class<?> port, ErrorCode code) {
        if (port == SavepointStore.class) {
            return new Listing.NotReadable("No answer came.", false);
        }
        if (port == EventBus.class) {
            return new EventBus.Publication(Set.of(), "No answer came.");
        }
        throw lost(port, code);
    }

    private static RefusedException lost(Class<?> port, ErrorCode ofTheCluster) {
        ErrorCode code = port == FlinkCluster.class
                ? ofTheCluster
                : port == JobLedger.class ? ErrorCode.LEDGER_UNAVAILABLE : ErrorCode.JAR_STORE_UNAVAILABLE;
        return new RefusedException(code, "It was made to fail.");
    }

    private static Object reach(Object behind, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(behind, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
