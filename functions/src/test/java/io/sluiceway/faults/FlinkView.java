package io.sluiceway.faults;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a Flink cluster really ran, by its JobManagers' own log: it misses nothing that lies between two questions, and
 * outlives each JobManager.
 */
final class FlinkView {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> BEFORE_IT_RUNS = Set.of("INITIALIZING", "CREATED");
    private static final Set<String> TERMINAL = Set.of("FINISHED", "FAILED", "CANCELED");
    private static final Pattern CHANGE = Pattern.compile(
            "^(\\S+Z) INFO .* - Job (\\S+) \\(([0-9a-f]{32})\\) switched from state (\\w+) to (\\w+)\\.");
    private static final Pattern TRIGGERED =
            Pattern.compile(" - Triggering checkpoint (\\d+) \\(type=(\\w+).* for job ([0-9a-f]{32})\\.");
    private static final Pattern COMPLETED = Pattern.compile(" - Completed checkpoint (\\d+) for job ([0-9a-f]{32}) ");
    private static final Pattern RESTORED = Pattern.compile(" - Starting job ([0-9a-f]{32}) from savepoint (\\S+) ");
    private static final Pattern RECOVERED = Pattern.compile(" - Recovered \\w+\\(jobId: ([0-9a-f]{32})\\)");
    private static final Pattern START = Pattern.compile("^(\\S+Z) INFO .*ClusterEntrypoint.* - Starting \\w+\\.");

    /**
     * One execution of a job.
     *
     * @param id what Sluiceway knows it by: the Flink job id, unless the job's name tells another
     * @param flinkJobId its Flink job id
     * @param name its name
     * @param jobManager which JobManager ran it first, counted from 1
     * @param start when it began
     * @param state its state as it was told last
     * @param end when it ended, or when its JobManager was gone; absent while it lives
     */
    record Execution(
            String id,
            String flinkJobId,
            String name,
            int jobManager,
            Instant start,
            String state,
            @Nullable Instant end) {
        Execution in(String newState, @Nullable Instant newEnd) {
            return new Execution(id, flinkJobId, name, jobManager, start, newState, newEnd);
        }

        boolean overlaps(Execution other) {
            return (end == null || end.isAfter(other.start)) && (other.end == null || other.end.isAfter(start));
        }
    }

    /**
     * Where an execution began, and how far it came.
     *
     * @param restoredFrom the savepoint or checkpoint that it began with; empty: it began without state
     * @param checkpoints how many checkpoints it completed, savepoints apart
     */
    record Course(String restoredFrom, int checkpoints) {}

    /** How a job is named that isn't known by its Flink job id: its name, and what it is known by. */
    private static final String KNOWN_AS = "@";

    private final URI url;
    private final Path log;
    private final boolean highlyAvailable;
    private final Map<String, Execution> executions = new TreeMap<>();
    private final Map<String, Integer> recoveredBy = new HashMap<>();
    private final Map<String, String> restored = new HashMap<>();
    private final Map<String, Set<String>> savepoints = new HashMap<>();
    private final Map<String, Integer> checkpoints = new HashMap<>();
    private long position;
    private int jobManager;

    FlinkView(URI url, Path log, boolean highlyAvailable) {
        this.url = url;
        this.log = log;
        this.highlyAvailable = highlyAvailable;
    }

    /** All that has ever run under a name, the oldest first. */
    synchronized List<Execution> executions(String name) {
        read();
        return executions.values().stream()
                .filter(execution -> execution.name().equals(name))
                .sorted(Comparator.comparing(Execution::start))
                .toList();
    }

    /** All that has ever run, under whatever name. */
    synchronized List<Execution> executions() {
        read();
        return List.copyOf(executions.values());
    }

    /** How a job with a Flink job id began, and how far it came. */
    synchronized Course course(String flinkJobId) {
        read();
        return new Course(restored.getOrDefault(flinkJobId, ""), checkpoints.getOrDefault(flinkJobId, 0));
    }

    /** How many JobManagers there have been. */
    synchronized int jobManagers() {
        read();
        return jobManager;
    }

    /** Whether all tasks of an execution run. */
    boolean isRunning(String id) {
        return executions().stream()
                .filter(execution -> execution.id().equals(id) && execution.end() == null)
                .anyMatch(this::isRunning);
    }

    private boolean isRunning(Execution execution) {
        try {
            JsonNode job = get("/v1/jobs/" + execution.flinkJobId());
            return job.path("state").asText().equals("RUNNING")
                    && job.at("/status-counts/RUNNING").asInt()
                            == job.path("vertices").size();
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether the cluster is about to start a job of this name, one that it recovers included. */
    boolean isStarting(String name) {
        try {
            for (JsonNode job : get("/v1/jobs/overview").path("jobs")) {
                if (job.path("name").asText().equals(name)
                        && BEFORE_IT_RUNS.contains(job.path("state").asText())) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            // Its JobManager is being replaced, and starts nothing at this moment.
            return false;
        }
    }

    void cancel(String flinkJobId) throws IOException {
        WireClient.send("PATCH", URI.create(url + "/v1/jobs/" + flinkJobId + "?mode=cancel"), List.of(), "");
    }

    private JsonNode get(String path) throws IOException {
        return JSON.readTree(
                WireClient.send("GET", URI.create(url + path), List.of(), "").content());
    }

    private void read() {
        try {
            for (String line : newLines()) {
                Matcher start = START.matcher(line);
                Matcher change = CHANGE.matcher(line);
                if (start.find()) {
                    started(Instant.parse(start.group(1)));
                } else if (change.find()) {
                    changed(Instant.parse(change.group(1)), change.group(2), change.group(3), change.group(5));
                } else {
                    wentOn(line);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("The JobManager's log can't be read.", e);
        }
    }

    private void wentOn(String line) {
        Matcher triggered = TRIGGERED.matcher(line);
        Matcher completed = COMPLETED.matcher(line);
        Matcher begun = RESTORED.matcher(line);
        Matcher recovered = RECOVERED.matcher(line);
        if (recovered.find()) {
            recoveredBy.put(recovered.group(1), jobManager);
        } else if (triggered.find() && triggered.group(2).equals("SavepointType")) {
            savepoints
                    .computeIfAbsent(triggered.group(3), job -> new HashSet<>())
                    .add(triggered.group(1));
        } else if (completed.find()) {
            String job = completed.group(2);
            if (!savepoints.getOrDefault(job, Set.of()).contains(completed.group(1))) {
                checkpoints.merge(job, 1, Integer::sum);
            }
        } else if (begun.find()) {
            // A JobManager that takes a job over says it once more.
            restored.putIfAbsent(begun.group(1), begun.group(2));
        }
    }

    private List<String> newLines() throws IOException {
        if (!Files.exists(log)) {
            return List.of();
        }
        List<String> lines = new ArrayList<>();
        if (Files.size(log) < position) {
            // A log that is shorter than it was has been rolled over: what wasn't read yet is in the newest of the old.
            lines.addAll(newLines(newestOfTheOld()));
            position = 0;
        }
        lines.addAll(newLines(log));
        return lines;
    }

    private List<String> newLines(Path from) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(from.toFile(), "r")) {
            byte[] bytes = new byte[Math.toIntExact(file.length() - position)];
            file.seek(position);
            file.readFully(bytes);
            String text = new String(bytes, StandardCharsets.UTF_8);
            String whole = text.substring(0, text.lastIndexOf('\n') + 1);
            position += whole.getBytes(StandardCharsets.UTF_8).length;
            return whole.lines().toList();
        }
    }

    private Path newestOfTheOld() throws IOException {
        try (Stream<Path> files = Files.list(log.toAbsolutePath().getParent())) {
            return files.filter(file -> file.getFileName().toString().startsWith(log.getFileName() + "."))
                    .max(Comparator.comparingLong(file -> file.toFile().lastModified()))
                    .orElseThrow();
        }
    }

    private void started(Instant at) {
        jobManager++;
        if (!highlyAvailable) {
            executions.replaceAll((key, old) -> old.end() == null ? old.in("LOST", at) : old);
        }
    }

    private void changed(Instant at, String name, String id, String state) {
        // With high availability a new JobManager goes on with the same execution.
        String key = highlyAvailable ? id : jobManager + "/" + id;
        String plain = name.contains(KNOWN_AS) ? name.substring(0, name.indexOf(KNOWN_AS)) : name;
        String knownAs = name.contains(KNOWN_AS) ? name.substring(name.indexOf(KNOWN_AS) + 1) : id;
        Execution begun = new Execution(knownAs, id, plain, jobManager, at, state, null);
        Execution old = executions.getOrDefault(key, begun);
        Instant end = TERMINAL.contains(state) ? at : null;
        boolean recovered = recoveredBy.getOrDefault(id, 0) == jobManager;
        if (old.end() != null && end == null && !recovered) {
            // It ended, and began again: another execution under the same id. One that is recovered goes on: the
            // JobManager that let it end was gone before it had stored that.
            executions.put(key + "/" + old.start(), old);
            old = begun;
        }
        executions.put(key, old.in(state, end));
    }
}
