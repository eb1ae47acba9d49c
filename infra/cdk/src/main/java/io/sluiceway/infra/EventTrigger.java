package io.sluiceway.infra;

import io.sluiceway.infra.settings.Settings;
import io.sluiceway.infra.settings.Triggers;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import software.amazon.awscdk.services.events.CfnRule;
import software.amazon.awscdk.services.events.EventField;
import software.amazon.awscdk.services.events.EventPattern;
import software.amazon.awscdk.services.events.IEventBus;
import software.amazon.awscdk.services.events.IRuleTarget;
import software.amazon.awscdk.services.events.Rule;
import software.amazon.awscdk.services.events.RuleTargetInput;
import software.amazon.awscdk.services.events.targets.LambdaFunction;
import software.constructs.Construct;

/**
 * Calls a function when an event came by a bus. The request id is the event's id: EventBridge delivers at least once,
 * and repeats a delivery with the same one.
 */
public final class EventTrigger extends Construct {
    /** <code>&lt;$.detail.field&gt;</code>: a field of the event, in a text. */
    private static final Pattern FIELD = Pattern.compile("<(\\$(?:\\.[A-Za-z0-9_-]+)+)>");

    /**
     * What a trigger is made from.
     *
     * @param settings the deployment
     * @param trigger which events call which function with what
     * @param bus the bus; absent: the account's own
     * @param function the function that the trigger names
     * @param failed where calls go that couldn't be delivered
     */
    public record Input(
            Settings settings,
            Triggers.Event trigger,
            @Nullable IEventBus bus,
            SluicewayFunction function,
            FailedEvents failed) {}

    /**
     * Makes the rule.
     *
     * @param scope the stack
     * @param input what to make it from
     */
    public EventTrigger(Construct scope, Input input) {
        super(scope, "event-" + input.trigger().name());
        Triggers.Event trigger = input.trigger();
        Map<String, Object> event = new TreeMap<>();
        trigger.event().forEach((field, value) -> event.put(field, filled(value)));
        event.put("requestId", EventField.getEventId());
        if (trigger.function().changesJobs()) {
            event.put("try", 1);
        }
        Rule rule = Rule.Builder.create(this, "rule")
                .ruleName(input.settings().stage().nameOf(trigger.name()))
                .description("Calls %s".formatted(trigger.function()))
                .eventBus(input.bus())
                .eventPattern(
                        EventPattern.builder().source(List.of("overridden")).build())
                .targets(List.of(target(input.function(), input.failed(), RuleTargetInput.fromObject(event))))
                .build();
        // The pattern is handed on as it is written, with all that EventBridge knows.
        if (rule.getNode().getDefaultChild() instanceof CfnRule resource) {
            resource.setEventPattern(trigger.pattern());
        }
    }

    /** The alias of a function, called with an event; what can't be delivered within an hour is given up. */
    static IRuleTarget target(SluicewayFunction function, FailedEvents failed, RuleTargetInput event) {
        return LambdaFunction.Builder.create(function.live())
                .event(event)
                .deadLetterQueue(failed.queue())
                .maxEventAge(FailedEvents.MOST_AGE)
                .retryAttempts(FailedEvents.RETRIES)
                .build();
    }

    private static Object filled(Object value) {
        return switch (value) {
            case String text ->
                FIELD.matcher(text).replaceAll(field -> Matcher.quoteReplacement(EventField.fromPath(field.group(1))));
            case Map<?, ?> map -> {
                Map<String, Object> filled = new TreeMap<>();
                map.forEach((field, inner) -> filled.put(String.valueOf(field), filled(inner)));
                yield filled;
            }
            case Collection<?> list -> list.stream().map(EventTrigger::filled).toList();
            case Object other -> other;
        };
    }
}
