package io.sluiceway.function;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.control.Answer;
import io.sluiceway.control.DryRun;
import io.sluiceway.control.Outbox.Told;
import io.sluiceway.control.Ports;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.Quoted;
import io.sluiceway.error.RefusedException;
import io.sluiceway.time.Deadline;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** What all functions do around their verb: read the event strictly, set the deadline, tell of refusals as asked. */
@Singleton
class Invocation {
    /** Three seconds are kept for settling a lost answer, and something has to be left to work with. */
    private static final Duration LEAST_TIME_BUDGET = Duration.ofSeconds(5);

    private static final int LONGEST_CAUSE = 300;

    /** What an event is refused with that isn't as it should be: what stands for a name in it may be a secret. */
    private static final Set<ErrorCode> MISREAD = EnumSet.of(
            ErrorCode.EVENT_UNREADABLE,
            ErrorCode.FIELD_MISSING,
            ErrorCode.FIELD_UNKNOWN,
            ErrorCode.FIELD_INVALID,
            ErrorCode.JOB_NAME_INVALID,
            ErrorCode.CLUSTER_UNKNOWN,
            ErrorCode.JAR_BUCKET_NOT_ALLOWED,
            ErrorCode.RESTORE_PATH_NOT_ALLOWED);

    private final SluicewayConfig config;
    private final Clock clock;

    @Inject
    Invocation(SluicewayConfig config, Clock clock) {
        this.config = config;
        this.clock = clock;
    }

    /**
     * Carries one call out.
     *
     * @param type the form of the event
     * @param verb what the function does; it may refuse
     * @return the answer, or the refusal when the event asks for it with {@link OnRefusal#ANSWER}
     * @throws FunctionFailedException when the event can't be read, or the verb refuses and the event doesn't ask for
     *     an answer
     */
    <R extends FunctionRequest> JsonNode answer(Event event, Class<R> type, BiFunction<R, Deadline, Answer> verb) {
        return answerLogging(event, type, (request, call) -> verb.apply(request, call.deadline()));
    }

    /** A verb that logs more than what it came to. */
    interface LoggingVerb<R> {
        Answer apply(R request, Call call);
    }

    /**
     * A call that is carried out.
     *
     * @param deadline when it has to have answered
     * @param log its log
     */
    record Call(Deadline deadline, FunctionLog log) {
        void warn(String message) {
            log.warn(Logger.Level.WARN, null, message, deadline.clock().instant());
        }
    }

    /** As {@link #answer(Event, Class, BiFunction)}, for a verb that logs. */
    <R extends FunctionRequest> JsonNode answerLogging(Event event, Class<R> type, LoggingVerb<R> verb) {
        FunctionLog log = new FunctionLog(clock.instant());
        Deadline deadline = Deadline.in(config.timeBudget(), clock);
        OnRefusal onRefusal = OnRefusal.THROW;
        try {
            R request = EventReader.read(event, type);
            onRefusal = orDefault(request.onRefusal());
            checkTimeBudget();
            JsonNode answer = AnswerWriter.write(verb.apply(request, new Call(deadline, log)));
            if (event instanceof Event.Json(JsonNode tree)) {
                log.read(tree);
            }
            log.answered(answer, clock.instant());
            return answer;
        } catch (RefusedException refusal) {
            if (event instanceof Event.Json(JsonNode tree) && !MISREAD.contains(refusal.code())) {
                log.read(tree);
            }
            String message = "%s: %s%s".formatted(refusal.code(), refusal.sentence(), why(refusal));
            log.warn(Logger.Level.WARN, refusal.code().name(), message, clock.instant());
            return refuse(refusal, onRefusal);
        } catch (RuntimeException | LinkageError | VirtualMachineError defect) {
            String message = "The function failed in a way that nobody foresaw: " + Traces.of(defect);
            log.warn(Logger.Level.ERROR, ErrorCode.INTERNAL_ERROR.name(), message, clock.instant());
            return refuse(
                    new RefusedException(
                            ErrorCode.INTERNAL_ERROR,
                            "The function failed: %s."
                                    .formatted(defect.getClass().getSimpleName()),
                            defect),
                    onRefusal);
        }
    }

    /** As {@link #answer(Event, Class, BiFunction)}, for a verb that records: what it has recorded is published. */
    <R extends FunctionRequest> JsonNode answer(
            Event event, Class<R> type, Supplier<Ports> ports, BiFunction<R, Deadline, Answer> verb) {
        return answerLogging(
                event, type, (request, call) -> publishing(ports, call, () -> verb.apply(request, call.deadline())));
    }

    /** A verb that changes something. */
    interface ChangingVerb<R> {
        /** Carries a request out with these ports, or with those of a dry run. */
        Answer apply(R request, Ports ports, Deadline deadline);
    }

    /** As {@link #answer(Event, Class, Supplier, BiFunction)}, for a verb that can be planned. */
    <R extends ChangingRequest> JsonNode change(
            Event event, Class<R> type, Supplier<Ports> ports, ChangingVerb<R> verb) {
        return answerLogging(event, type, (request, call) -> {
            if (Boolean.TRUE.equals(request.dryRun())) {
                return DryRun.of(
                        ports.get(),
                        request.request(),
                        call.deadline(),
                        dry -> verb.apply(request, dry, call.deadline()));
            }
            return publishing(ports, call, () -> verb.apply(request, ports.get(), call.deadline()));
        });
    }

    private static Answer publishing(Supplier<Ports> ports, Call call, Supplier<Answer> verb) {
        try {
            return verb.get();
        } finally {
            publish(ports, call);
        }
    }

    /** Whatever comes of it, the verb's answer stands: what isn't published stays recorded. */
    private static void publish(Supplier<Ports> ports, Call call) {
        try {
            warnOf(ports.get().outbox().publish(call.deadline()), call);
        } catch (RuntimeException e) {
            call.warn("Events are pending: " + Traces.of(e));
        }
    }

    /** Says what hindered events, if anything did. */
    static void warnOf(Told events, Call call) {
        if (events.trouble() != null) {
            call.warn("%,d events are pending: %s".formatted(events.pending(), events.trouble()));
        }
    }

    private static JsonNode refuse(RefusedException refusal, OnRefusal onRefusal) {
        return switch (onRefusal) {
            case ANSWER -> AnswerWriter.write(refusal);
            case THROW -> throw new FunctionFailedException(refusal.code(), AnswerWriter.write(refusal));
        };
    }

    private void checkTimeBudget() {
        if (config.timeBudget().compareTo(LEAST_TIME_BUDGET) < 0) {
            throw new RefusedException(
                    ErrorCode.CONFIGURATION_INVALID,
                    "The setting SLUICEWAY_TIME_BUDGET is %s; %s is the least."
                            .formatted(config.timeBudget(), LEAST_TIME_BUDGET));
        }
    }

    /** What a network said, for the log alone. The parser's causes stay out of it: they quote what they read. */
    private static String why(RefusedException refusal) {
        return refusal.getCause() instanceof IOException cause && !(cause instanceof JacksonException)
                ? " (" + Quoted.plain(cause.toString(), LONGEST_CAUSE) + ")"
                : "";
    }

    private static OnRefusal orDefault(@Nullable OnRefusal onRefusal) {
        return onRefusal == null ? OnRefusal.THROW : onRefusal;
    }
}
