package io.sluiceway.function;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import io.sluiceway.control.Answer;
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
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** What all functions do around their verb: read the event strictly, set the deadline, tell of refusals as asked. */
@Singleton
class Invocation {
    private static final Logger LOG = Logger.getLogger(Invocation.class);

    /** Three seconds are kept for settling a lost answer, and something has to be left to work with. */
    private static final Duration LEAST_TIME_BUDGET = Duration.ofSeconds(5);

    private static final int LONGEST_CAUSE = 300;

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
        Deadline deadline = Deadline.in(config.timeBudget(), clock);
        OnRefusal onRefusal = OnRefusal.THROW;
        try {
            R request = EventReader.read(event, type);
            onRefusal = orDefault(request.onRefusal());
            checkTimeBudget();
            return AnswerWriter.write(verb.apply(request, deadline));
        } catch (RefusedException refusal) {
            LOG.warnf("%s: %s%s", refusal.code(), refusal.sentence(), why(refusal));
            return refuse(refusal, onRefusal);
        } catch (RuntimeException | LinkageError | VirtualMachineError defect) {
            LOG.error("The function failed in a way that nobody foresaw: " + Traces.of(defect));
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
        return answer(event, type, (request, deadline) -> {
            try {
                return verb.apply(request, deadline);
            } finally {
                publish(ports, deadline);
            }
        });
    }

    /** Whatever comes of it, the verb's answer stands: what isn't published stays recorded. */
    private static void publish(Supplier<Ports> ports, Deadline deadline) {
        try {
            Told told = ports.get().outbox().publish(deadline);
            if (told.trouble() != null) {
                LOG.warnf("%,d events are pending: %s", told.pending(), told.trouble());
            }
        } catch (RuntimeException e) {
            LOG.warn("Events are pending: " + Traces.of(e));
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
