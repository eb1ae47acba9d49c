package io.sluiceway.function;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluiceway.cluster.ClusterSettings;
import io.sluiceway.cluster.ClusterSettings.Slots;
import io.sluiceway.cluster.session.SessionCluster;
import io.sluiceway.job.ClusterName;
import io.sluiceway.savepoint.StoragePath;
import io.sluiceway.testing.StubHttpClient;
import io.sluiceway.testing.StubHttpClient.Reply;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** A JobManager that runs nothing and says what a test lets it say; what is between may say it too. */
final class TalkativeFlink {
    private static final Pattern JOB = Pattern.compile("/v1/jobs/([0-9a-f]{32})");

    private final Map<String, Reply> said = new LinkedHashMap<>();
    private String state = "";
    private String jars = "[]";

    /** Answers calls whose method and path begin so. */
    TalkativeFlink say(String call, int status, String body) {
        said.put(call, new Reply(status, body.getBytes(UTF_8)));
        return this;
    }

    /** Refuses calls whose method and path begin so, in these words. */
    TalkativeFlink refuse(String call, String words) {
        return say(
                call,
                400,
                JsonNodeFactory.instance
                        .objectNode()
                        .set(
                                "errors",
                                JsonNodeFactory.instance
                                        .arrayNode()
                                        .add("Refused.")
                                        .add(words))
                        .toString());
    }

    TalkativeFlink hushed() {
        said.clear();
        return this;
    }

    /** Lets it know each job that it is asked for, in this state; none if the state is empty. */
    TalkativeFlink know(String jobState) {
        state = jobState;
        return this;
    }

    SessionCluster cluster() {
        StoragePath data = new StoragePath("s3://sluiceway-local-data/savepoints");
        return new SessionCluster(
                new ClusterName("local"),
                new ClusterSettings.Session(
                        URI.create("http://flink.example:8081"), null, data, data, List.of(), Slots.FIXED),
                new StubHttpClient(this::answer));
    }

    private Reply answer(HttpRequest request) {
        String call = request.method() + " " + request.uri();
        for (Map.Entry<String, Reply> reply : said.entrySet()) {
            if (call.matches(reply.getKey())) {
                return reply.getValue();
            }
        }
        return json(call, request.uri().getPath());
    }

    /** What a JobManager says that has nothing to tell. */
    private Reply json(String call, String path) {
        if (call.endsWith("/run")) {
            state = state.isEmpty() ? "RUNNING" : state;
            return ok("{\"jobid\":\"0\"}");
        }
        if (path.equals("/v1/jars/upload")) {
            throw new UncheckedIOException(new IOException("Nobody needs it."));
        }
        if (path.equals("/v1/jars")) {
            return ok("{\"files\":" + jars + "}");
        }
        if (path.equals("/v1/overview")) {
            return ok("{\"slots-total\":4}");
        }
        if (path.equals("/v1/jobmanager/config")) {
            return ok("[{\"key\":\"web.tmpdir\",\"value\":\"/tmp/flink-web-1\"}]");
        }
        if (path.equals("/v1/jobs/overview")) {
            return ok("{\"jobs\":[]}");
        }
        if (path.endsWith("/metrics")) {
            return ok("[]");
        }
        if (path.endsWith("/exceptions") || path.endsWith("/execution-result")) {
            return ok("{}");
        }
        if (path.endsWith("/status")) {
            return ok("{\"status\":\"" + state + "\"}");
        }
        var job = JOB.matcher(path);
        if (job.matches() && !state.isEmpty()) {
            return ok("""
                    {"jid":"%s","name":"a","state":"%s","start-time":1357380000000,"end-time":%d,"status-counts":{}}
                    """.formatted(job.group(1), state, state.equals("RUNNING") ? -1 : 1357380001000L));
        }
        return new Reply(404, "{\"errors\":[\"Not found.\"]}".getBytes(UTF_8));
    }

    /** It has the jar of this digest. */
    TalkativeFlink have(String digest) {
        jars = "[{\"name\":\"%1$s.jar\",\"id\":\"00000000-0000-0000-0000-000000000000_%1$s.jar\"}]".formatted(digest);
        return this;
    }

    private static Reply ok(String body) {
        return new Reply(200, body.getBytes(UTF_8));
    }
}
