package io.sluiceway.function;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluiceway.error.ErrorCode;
import io.sluiceway.error.RefusedException;

/** Events and settings of any bytes are read, or refused in a sentence. */
class EventFuzzTest {
    private interface Reading {
        void read();
    }

    @FuzzTest
    void event(byte[] bytes) {
        Event event = FakeDeployment.event(bytes);
        refusing(() -> {
            SubmitJobRequest submission = EventReader.read(event, SubmitJobRequest.class);
            submission.request();
            String hash = submission.spec().payloadHash();
            assertThat(hash).hasSize(64);
        });
        refusing(() -> {
            StopJobRequest stop = EventReader.read(event, StopJobRequest.class);
            stop.request();
            stop.ownerOrNull();
            stop.target();
            stop.modeOrDefault();
        });
        refusing(() -> {
            TakeSavepointRequest savepoint = EventReader.read(event, TakeSavepointRequest.class);
            savepoint.request();
            savepoint.target();
        });
        refusing(() -> {
            ListJobsRequest list = EventReader.read(event, ListJobsRequest.class);
            list.pageSizeOrDefault();
            list.after();
        });
        refusing(() -> {
            ListEventsRequest list = EventReader.read(event, ListEventsRequest.class);
            list.afterSequenceOrZero();
            list.pageSizeOrDefault();
        });
        refusing(() -> EventReader.read(event, JobStatusRequest.class));
        refusing(() -> {
            MonitorJobsRequest monitor = EventReader.read(event, MonitorJobsRequest.class);
            monitor.requestOrNull();
            monitor.clusterNames();
        });
    }

    @FuzzTest
    void clusterSettings(byte[] bytes) {
        try {
            assertThat(ClusterSettingsReader.read(new String(bytes, UTF_8))).isNotEmpty();
        } catch (RefusedException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.CONFIGURATION_INVALID);
            checkSentence(e);
        }
    }

    private static void refusing(Reading reading) {
        try {
            reading.read();
        } catch (RefusedException e) {
            assertThat(e.code()).isNotEqualTo(ErrorCode.INTERNAL_ERROR);
            checkSentence(e);
        }
    }

    private static void checkSentence(RefusedException e) {
        assertThat(e.sentence()).endsWith(".").hasSizeLessThan(2000).doesNotContainPattern("[\\p{Cc}\\p{Cf}\\p{Cs}]");
        assertThat(UTF_8.newEncoder().canEncode(e.sentence())).isTrue();
    }
}
