package io.sluiceway.infra.settings;

import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What calls the functions besides Airflow. Each calls asynchronously, with a request id that stays the same however
 * often the call is delivered.
 *
 * @param schedules calls at times
 * @param jars submissions and upgrades when a jar was put into the jobs bucket
 * @param events calls when an event came by a bus
 */
public record Triggers(List<Schedule> schedules, List<NewJar> jars, List<Event> events) {
    /** No triggers. */
    public static final Triggers NONE = new Triggers(List.of(), List.of(), List.of());

    private static final Pattern NAME = Pattern.compile("(?=.{1,40}$)[a-z0-9]+(-[a-z0-9]+)*");
    private static final String NAME_RULE =
            "1 to 40 lower-case letters and digits, with single hyphens between them, unlike the others of its kind";

    /** What a call itself is told, and no settings file may say. */
    private static final Set<String> TAKEN = Set.of("requestId", "try", "onRefusal");

    /**
     * Puts empty lists for missing ones.
     *
     * @throws SettingsException if two of a kind have the same name
     */
    public Triggers {
        schedules = copy(schedules);
        jars = copy(jars);
        events = copy(events);
        checkDistinct("schedules", schedules.stream().map(Schedule::name));
        checkDistinct("jars", jars.stream().map(NewJar::name));
        checkDistinct("events", events.stream().map(Event::name));
    }

    /**
     * A call at times, by EventBridge Scheduler. Its request id is made of the schedule's ARN and the scheduled time.
     *
     * @param name the schedule's name, without the stage
     * @param function which function is called
     * @param at when: {@code at(2026-12-31T23:00:00)}, {@code rate(6 hours)} or {@code cron(0 6 * * ? *)}, as in <a
     *     href="https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html">EventBridge Scheduler</a>
     * @param timeZone the time zone of {@code at} and {@code cron}, such as {@code Europe/Berlin}; UTC by default
     * @param event the function's event, without request id and try
     */
    public record Schedule(String name, FunctionName function, String at, String timeZone, Map<String, Object> event) {
        private static final Pattern EXPRESSION = Pattern.compile(
                "at\\(\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\)|rate\\([1-9]\\d* (minute|hour|day)s?\\)|cron\\([ -~]{11,120}\\)");

        private static final Pattern ZONE = Pattern.compile("[A-Za-z][A-Za-z0-9_+/-]{1,49}");

        /**
         * Checks each, and puts the default in.
         *
         * @throws SettingsException if one is missing or breaks its rule
         */
        public Schedule {
            Check.matching(name, "name of a schedule", NAME, NAME_RULE);
            checkFunction(function);
            checkExpression(at, "at");
            timeZone = timeZone == null ? "UTC" : timeZone;
            Check.matching(timeZone, "timeZone", ZONE, "a name of the time zone database, such as Europe/Berlin");
            event = Triggers.event(event);
        }

        static void checkExpression(@Nullable String expression, String name) {
            Check.matching(
                    expression,
                    name,
                    EXPRESSION,
                    "at(2026-12-31T23:00:00), rate(6 hours) or cron(0 6 * * ? *), as EventBridge Scheduler writes them");
        }
    }

    /**
     * A submission or an upgrade when a jar was put into the jobs bucket, with that version of the jar. Its request id
     * is made of bucket, key and version id.
     *
     * @param name the rule's name, without the stage
     * @param prefix what the jars' keys begin with, below {@code jars/}
     * @param function {@code submit-job}, the default, starts the job that isn't running; {@code upgrade-job} has the
     *     new version take over from the one that runs
     * @param mode where the new version takes its state from; of an upgrade only, as are the three that follow
     * @param maxCheckpointAge how old the old version's newest checkpoint may be, an ISO-8601 duration
     * @param rollbackAfterCommit what is done when it turns out bad behind its first checkpoint
     * @param judgeWithin how long it has to become STABLE, an ISO-8601 duration
     * @param job the JobSpec, without its jar
     */
    public record NewJar(
            String name,
            String prefix,
            FunctionName function,
            @Nullable String mode,
            @Nullable String maxCheckpointAge,
            @Nullable String rollbackAfterCommit,
            @Nullable String judgeWithin,
            Map<String, Object> job) {
        private static final Pattern PREFIX = Pattern.compile("jars/[A-Za-z0-9!_.'()/=-]*");

        /**
         * Checks each, and puts the default in.
         *
         * @throws SettingsException if one is missing or breaks its rule
         */
        public NewJar {
            Check.matching(name, "name of a trigger by jar", NAME, NAME_RULE);
            Check.matching(prefix, "prefix", PREFIX, "jars/ and how the jars' keys go on, without wildcards");
            function = function == null ? FunctionName.SUBMIT_JOB : function;
            job = sorted(Check.present(job, "job"));
            if (job.containsKey("jar")) {
                throw new SettingsException("job can't have a jar: it is the one that was put there");
            }
            if (function != FunctionName.SUBMIT_JOB && function != FunctionName.UPGRADE_JOB) {
                throw new SettingsException(
                        "function can't be %s: a new jar is for submit-job or upgrade-job".formatted(function));
            }
            SortedMap<String, Object> terms = terms(mode, maxCheckpointAge, rollbackAfterCommit, judgeWithin);
            if (function != FunctionName.UPGRADE_JOB && !terms.isEmpty()) {
                throw new SettingsException("%s belongs to upgrade-job, and function is %s"
                        .formatted(String.join(", ", terms.keySet()), function));
            }
        }

        /** {@return the function's event, without request id, try and the job's jar} */
        public SortedMap<String, Object> event() {
            SortedMap<String, Object> event = terms(mode, maxCheckpointAge, rollbackAfterCommit, judgeWithin);
            event.put("job", job);
            return event;
        }

        /** What an upgrade is told besides its job, under the names of its event. */
        private static SortedMap<String, Object> terms(
                @Nullable String mode,
                @Nullable String maxCheckpointAge,
                @Nullable String rollbackAfterCommit,
                @Nullable String judgeWithin) {
            SortedMap<String, Object> terms = new TreeMap<>();
            put(terms, "mode", mode);
            put(terms, "maxCheckpointAge", maxCheckpointAge);
            put(terms, "rollbackAfterCommit", rollbackAfterCommit);
            put(terms, "judgeWithin", judgeWithin);
            return terms;
        }

        private static void put(SortedMap<String, Object> terms, String name, @Nullable String value) {
            if (value != null) {
                terms.put(name, value);
            }
        }
    }

    /**
     * A call when an event came by a bus. Its request id is the event's id.
     *
     * @param name the rule's name, without the stage
     * @param bus the bus: {@code default}, or {@code sluiceway} for the one of this stack
     * @param pattern which events, as an <a
     *     href="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html">event pattern</a>
     * @param function which function is called
     * @param event the function's event, without request id and try. In its texts <code>&lt;$.detail.field&gt;</code>
     *     stands for that field of the event
     */
    public record Event(
            String name, Bus bus, Map<String, Object> pattern, FunctionName function, Map<String, Object> event) {
        private static final Set<String> FIELDS =
                Set.of("source", "detail-type", "account", "region", "resources", "detail", "id", "time", "version");

        /** The buses that a stack knows. */
        public enum Bus {
            /** The account's own, which AWS' services put their events on. */
            DEFAULT,
            /** This stack's, which carries Sluiceway's events. */
            SLUICEWAY
        }

        /**
         * Checks each, and puts the default in.
         *
         * @throws SettingsException if one is missing or breaks its rule
         */
        public Event {
            Check.matching(name, "name of a trigger by event", NAME, NAME_RULE);
            bus = bus == null ? Bus.DEFAULT : bus;
            pattern = sorted(Check.present(pattern, "pattern"));
            if (pattern.isEmpty() || !FIELDS.containsAll(pattern.keySet())) {
                throw new SettingsException("pattern has to name one or more of %s, and nothing else"
                        .formatted(String.join(", ", FIELDS.stream().sorted().toList())));
            }
            checkFunction(function);
            event = Triggers.event(event);
        }
    }

    private static void checkFunction(@Nullable FunctionName function) {
        if (!Check.present(function, "function").servesTriggers()) {
            throw new SettingsException(
                    "function can't be %s: it only answers, and nobody hears the answer of a trigger's call"
                            .formatted(function));
        }
    }

    private static <T> List<T> copy(@Nullable List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }

    private static Map<String, Object> event(@Nullable Map<String, Object> event) {
        Map<String, Object> present = sorted(Check.present(event, "event"));
        for (String field : TAKEN) {
            if (present.containsKey(field)) {
                throw new SettingsException("event can't have %s: the call says that itself".formatted(field));
            }
        }
        return present;
    }

    /** Sorted, so that a template shows what changed and nothing else; JSON's null is kept. */
    private static Map<String, Object> sorted(Map<String, Object> map) {
        return Collections.unmodifiableMap(new TreeMap<>(map));
    }

    private static void checkDistinct(String kind, Stream<String> names) {
        Collection<String> seen = new HashSet<>();
        names.filter(name -> !seen.add(name)).findFirst().ifPresent(name -> {
            throw new SettingsException("two of the %s are called %s".formatted(kind, name));
        });
    }
}
