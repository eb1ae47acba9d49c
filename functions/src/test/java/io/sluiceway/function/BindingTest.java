package io.sluiceway.function;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.Charset;
import org.eclipse.microprofile.config.ConfigProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The real binding: events pass through Funqy and Quarkus' own Jackson before they are held against the contract. */
@QuarkusTest
class BindingTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"cluster":"local","limit":5}             | FIELD_UNKNOWN
                    {"cluster":"local","Cluster":"local"}     | FIELD_UNKNOWN
                    {"cluster":5}                             | FIELD_INVALID
                    {"cluster":"local","pageSize":"10"}       | FIELD_INVALID
                    {"cluster":"local","cluster":"local"}     | EVENT_UNREADABLE
                    {"cluster":"elsewhere"}                   | CLUSTER_UNKNOWN
                    []                                        | EVENT_UNREADABLE
                    null                                      | EVENT_UNREADABLE
                    {}                                        | FIELD_MISSING
                    {"cluster":"local"} x                     | EVENT_UNREADABLE
                    {"cluster":"local","pageSize":" "}        | FIELD_INVALID
                    hunter2                                   | EVENT_UNREADABLE
                    """)
    void call_badEvent_failsWithItsCode(String event, String code) throws Exception {
        HttpResponse<String> response = call(event);

        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.body()).contains("\"errorMessage\":\"" + code + ": {");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE"})
    void call_eventInAnotherEncoding_isUnreadable(String encoding) throws Exception {
        HttpResponse<String> response = call("{\"cluster\":\"local\"}".getBytes(Charset.forName(encoding)));

        assertThat(response.body()).contains("\"errorMessage\":\"EVENT_UNREADABLE: {");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u00ef\u00bb\u00bf{}",
                "{\"\u00c0\u00af\":1}",
                "{\"\u00e9\":1}",
                "{\"\u00f4\u0090\u0080\u0080\":1}"
            })
    void call_eventThatIsNoUtf8_isUnreadable(String bytes) throws Exception {
        HttpResponse<String> response = call(bytes.getBytes(ISO_8859_1));

        assertThat(response.body()).contains("\"errorMessage\":\"EVENT_UNREADABLE: {");
    }

    @Test
    void call_clusterDown_answersTheRefusalWhenAsked() throws Exception {
        HttpResponse<String> response = call("{\"cluster\":\"local\",\"onRefusal\":\"ANSWER\"}");

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).contains("\"outcome\":\"REFUSED\"", "\"code\":\"CLUSTER_UNREACHABLE\"");
    }

    private static HttpResponse<String> call(String event) throws IOException, InterruptedException {
        return call(event.getBytes(UTF_8));
    }

    private static HttpResponse<String> call(byte[] event) throws IOException, InterruptedException {
        int port = ConfigProvider.getConfig().getValue("quarkus.lambda.mock-event-server.test-port", Integer.class);
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://localhost:" + port))
                            .POST(BodyPublishers.ofByteArray(event))
                            .build(),
                    BodyHandlers.ofString());
        }
    }
}
