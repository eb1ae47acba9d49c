package io.sluiceway.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluiceway.faults.FaultProxy.Caller;
import io.sluiceway.faults.FaultProxy.Seen;
import io.sluiceway.faults.FaultProxy.Trap;
import io.sluiceway.faults.FaultProxy.Victim;
import io.sluiceway.testing.StubServer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class FaultProxyTest {
    private static final String CALL = "flink GET /overview";
    private static final String BODY = "{\"slots-total\":3}";
    private static final int PATIENCE_MILLIS = 20_000;

    private final List<String> reached = new CopyOnWriteArrayList<>();
    private final List<String> done = new CopyOnWriteArrayList<>();
    private StubServer upstream;
    private FaultProxy proxy;
    private Caller caller;

    @BeforeEach
    void start() {
        upstream = new StubServer(exchange -> {
            reached.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            StubServer.answer(exchange, 200, BODY.getBytes(StandardCharsets.UTF_8));
        });
        proxy = new FaultProxy(Map.of(Service.FLINK, upstream.url(), Service.DYNAMODB, upstream.url()));
        caller = proxy.open("submit-job#1");
        caller.attach(new Victim() {
            @Override
            public void kill() {
                done.add("kill");
            }

            @Override
            public void freeze() {
                done.add("freeze");
            }

            @Override
            public void thaw() {
                done.add("thaw");
            }
        });
        caller.begin("trial");
    }

    @AfterEach
    void stop() {
        proxy.close();
        upstream.close();
    }

    @Test
    void request_undisturbed_isPassedOnCountedAndRemembered() throws IOException {
        assertThat(get().text()).isEqualTo(BODY);
        assertThat(get().status()).isEqualTo(200);

        assertThat(reached).hasSize(2);
        assertThat(proxy.logOf("trial")).extracting(Seen::call).containsExactly(CALL, CALL);
        assertThat(proxy.logOf("trial")).extracting(Seen::nth).containsExactly(1, 2);
        assertThat(proxy.logOf("other")).isEmpty();
    }

    @Test
    void trap_forTheSecondRequest_springsOnceAndThere() throws IOException {
        Trap trap = arm(Fault.Kind.UNAVAILABLE_503, 2);

        assertThat(get().status()).isEqualTo(200);
        assertThat(proxy.sprung(trap)).isFalse();
        assertThat(get().status()).isEqualTo(503);
        assertThat(proxy.sprung(trap)).isTrue();
        assertThat(get().status()).isEqualTo(200);
        assertThat(reached).hasSize(2);
    }

    @Test
    void trap_ofAnotherTrial_staysSet() throws IOException {
        Trap trap = arm(Fault.Kind.UNAVAILABLE_503, 1);
        caller.begin("another");

        assertThat(get().status()).isEqualTo(200);
        assertThat(proxy.sprung(trap)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.Kind.class,
            mode = Mode.INCLUDE,
            names = {"KILL_BEFORE", "LOSE_CALL", "RESET"})
    void call_lost_reachesNobody(Fault.Kind kind) {
        arm(kind, 1);

        assertThatThrownBy(this::get).isInstanceOf(IOException.class);

        assertThat(reached).isEmpty();
        assertThat(done).isEqualTo(kind.kills() ? List.of("kill") : List.of());
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.Kind.class,
            mode = Mode.INCLUDE,
            names = {"KILL_AFTER", "LOSE_ANSWER", "TRUNCATE", "SLOW"})
    void answer_lost_hasHadItsEffect(Fault.Kind kind) {
        arm(kind, 1);

        assertThatThrownBy(this::get).isInstanceOf(IOException.class);

        assertThat(reached).hasSize(1);
        assertThat(done).isEqualTo(kind.kills() ? List.of("kill") : List.of());
        assertThat(proxy.logOf("trial")).extracting(Seen::fault).containsExactly(kind);
    }

    @Test
    void close_behindTheAnswer_leavesTheCallerWithADeadConnection() throws IOException {
        arm(Fault.Kind.CLOSE_AFTER, 2);
        URI url = URI.create(caller.url(Service.FLINK) + "/overview");
        byte[] request = HttpMessage.request("GET", url, List.of(), "").bytes();

        try (Socket kept = new Socket(url.getHost(), url.getPort())) {
            kept.setSoTimeout(PATIENCE_MILLIS);
            InputStream in = new BufferedInputStream(kept.getInputStream());
            for (int i = 0; i < 2; i++) {
                kept.getOutputStream().write(request);
                HttpMessage answer = HttpMessage.readAnswer(in, "GET");
                assertThat(answer.text()).isEqualTo(BODY);
                assertThat(answer.closes()).isFalse();
            }
            assertThat(in.read()).isEqualTo(-1);
        }
        assertThat(reached).hasSize(2);
        assertThat(get().status()).isEqualTo(200);
    }

    @Test
    void pause_untilItIsOver_holdsTheRequest() throws IOException {
        arm(Fault.Kind.PAUSE, 1);
        Instant start = Instant.now();

        assertThat(get().status()).isEqualTo(200);

        assertThat(Duration.between(start, Instant.now())).isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }

    @Test
    void freeze_behindTheEffect_stopsTheCallerForAWhile() throws IOException {
        arm(Fault.Kind.FREEZE, 1);

        assertThat(get().status()).isEqualTo(200);

        assertThat(reached).hasSize(1);
        assertThat(done).startsWith("freeze");
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.Kind.class,
            mode = Mode.INCLUDE,
            names = {"THROTTLE", "SERVER_ERROR", "CONDITION_FAILED"})
    void dynamoDb_refusing_speaksItsOwnWords(Fault.Kind kind) throws IOException {
        proxy.arm(new Trap("trial", null, "dynamodb PutItem", 1, Fault.of(kind)));

        HttpMessage answer = WireClient.send(
                "POST",
                URI.create(caller.url(Service.DYNAMODB) + "/"),
                List.of("X-Amz-Target: DynamoDB_20120810.PutItem"),
                "{}");

        assertThat(answer.status()).isEqualTo(kind == Fault.Kind.SERVER_ERROR ? 500 : 400);
        assertThat(answer.text()).contains("__type");
        assertThat(reached).isEmpty();
    }

    @Test
    void tampering_untilItStops_rewritesRequests() throws IOException {
        proxy.tamper(CALL, request -> request.withContent("other".getBytes(StandardCharsets.UTF_8)));
        get();
        proxy.stopTampering();
        get();

        assertThat(reached).containsExactly("other", "");
    }

    @Test
    void service_down_letsNobodyConnectUntilItIsUp() throws IOException {
        proxy.takeDown(Service.FLINK);
        assertThatThrownBy(this::get).isInstanceOf(IOException.class);

        proxy.bringUp(Service.FLINK);
        assertThat(get().status()).isEqualTo(200);
    }

    @Test
    void callers_eachWithItsOwnPorts_areToldApart() throws IOException {
        List<String> names = new ArrayList<>();
        try (Caller other = proxy.open("submit-job#2")) {
            other.begin("trial");
            WireClient.send("GET", URI.create(other.url(Service.FLINK) + "/overview"), List.of(), "");
            get();
            proxy.logOf("trial").forEach(seen -> names.add(seen.caller() + " " + seen.nth()));
        }

        assertThat(names).containsExactly("submit-job#2 1", "submit-job#1 1");
    }

    private Trap arm(Fault.Kind kind, int nth) {
        Trap trap = new Trap("trial", null, CALL, nth, new Fault(kind, Duration.ofMillis(200)));
        proxy.arm(trap);
        return trap;
    }

    private HttpMessage get() throws IOException {
        return WireClient.send("GET", URI.create(caller.url(Service.FLINK) + "/overview"), List.of(), "");
    }
}
