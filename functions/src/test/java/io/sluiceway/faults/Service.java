package io.sluiceway.faults;

import java.net.URI;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Where outside effects happen, and what a request to it is called. */
enum Service {
    /** Flink's REST API. */
    FLINK {
        @Override
        String nameOf(HttpMessage request) {
            String path = pathOf(request).replaceFirst("^/v1(?=/)", "");
            String template = Arrays.stream(path.split("/", -1))
                    .map(segment -> JAR_ID.matcher(segment).matches() ? ":jarid" : segment)
                    .collect(Collectors.joining("/"));
            template = JOB.matcher(template).replaceAll("$1:jobid");
            return request.method() + " " + TRIGGER.matcher(template).replaceAll("$1:triggerid");
        }
    },
    /** Amazon DynamoDB's API. */
    DYNAMODB {
        @Override
        String nameOf(HttpMessage request) {
            return targetOf(request);
        }
    },
    /** The API of Amazon Managed Service for Apache Flink. */
    MANAGED_FLINK {
        @Override
        String nameOf(HttpMessage request) {
            return targetOf(request);
        }
    },
    /** Amazon CloudWatch's API. */
    CLOUDWATCH {
        @Override
        String nameOf(HttpMessage request) {
            Matcher action = ACTION.matcher(request.text());
            return action.find() ? action.group(1) : "unknown";
        }
    },
    /** Amazon S3's API, with the bucket as the first part of the path. */
    S3 {
        @Override
        String nameOf(HttpMessage request) {
            String[] parts = pathOf(request).split("/", 3);
            boolean object = parts.length == 3 && !parts[2].isEmpty();
            return request.method() + (object ? " object" : " bucket");
        }
    };

    private static final Pattern ACTION = Pattern.compile("(?:^|&)Action=(\\w+)");
    private static final Pattern JAR_ID = Pattern.compile("[0-9a-f-]{36}_.+\\.jar");
    private static final Pattern JOB = Pattern.compile("((?:^|/)jobs/)[0-9a-f]{32}");
    private static final Pattern TRIGGER = Pattern.compile("(/savepoints/)[0-9a-f]{32}");

    /** What a request to this service is called, such as {@code POST /jars/:jarid/run} or {@code GetItem}. */
    abstract String nameOf(HttpMessage request);

    /** The name with the service's in front, such as {@code flink POST /jars/:jarid/run}. */
    String callOf(HttpMessage request) {
        return name().toLowerCase(Locale.ROOT).replace('_', '-') + " " + nameOf(request);
    }

    /** What a service that speaks AWS JSON is asked for. */
    private static String targetOf(HttpMessage request) {
        String target = request.header("X-Amz-Target").orElse("unknown");
        return target.substring(target.indexOf('.') + 1);
    }

    private static String pathOf(HttpMessage request) {
        return URI.create(request.target()).getPath();
    }
}
