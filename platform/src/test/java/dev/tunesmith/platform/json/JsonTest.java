package dev.tunesmith.platform.json;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tunesmith.contracts.event.Envelope;
import dev.tunesmith.contracts.event.JobChanged;
import dev.tunesmith.contracts.id.JobId;
import dev.tunesmith.contracts.id.TenantId;
import dev.tunesmith.contracts.job.JobState;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class JsonTest {
    record Sample(String firstName, @Nullable String nickName, Instant at) {}

    @Test
    void writesSnakeCaseIsoTimesAndNoNulls() {
        var sample = new Sample("Ada", null, Instant.EPOCH);

        assertThat(Json.text(sample))
                .isEqualTo("{\"first_name\":\"Ada\",\"at\":\"1970-01-01T00:00:00Z\"}");
        assertThat(Json.read(Json.bytes(sample), Sample.class)).isEqualTo(sample);
    }

    @Test
    void ignoresUnknownKeysOfMessages() {
        assertThat(Json.read("{\"first_name\":\"Ada\",\"later\":1}", Sample.class).firstName())
                .isEqualTo("Ada");
    }

    @Test
    void refusesWhatIsNotOneStrictDocument() {
        for (String text : new String[] {"{\"a\":1,\"a\":2}", "{} {}", "[1]", "null", "{'a':1}"}) {
            assertThatThrownBy(() -> Json.tree(text)).as(text).isInstanceOf(JsonException.class);
        }
        assertThatThrownBy(() -> Json.tree("{}".getBytes(UTF_16)))
                .isInstanceOf(JsonException.class);
        assertThatThrownBy(() -> Json.tree("{\"a\":" + "[".repeat(200) + "]".repeat(200) + "}"))
                .isInstanceOf(JsonException.class);
    }

    @Test
    void saysWhereADocumentBreaks() {
        assertThatThrownBy(() -> Json.tree("{\n  \"a\": nope\n}".getBytes(UTF_8)))
                .isInstanceOfSatisfying(
                        JsonException.class, e -> assertThat(e.line()).isEqualTo(2));
    }

    @Test
    void equalValuesHaveEqualCanonicalBytes() {
        assertThat(Json.canonical(Json.tree("{\"b\":[{\"y\":1,\"x\":null}],\"a\":1.5}")))
                .asString(UTF_8)
                .isEqualTo("{\"a\":1.5,\"b\":[{\"x\":null,\"y\":1}]}");
        assertThat(Json.canonical(Map.of("b", 1, "a", 2)))
                .isEqualTo(Json.canonical(Json.tree("{\"a\":2,\"b\":1}")));
    }

    @Test
    void readsTheMessageThatTheDatabaseWrites() {
        UUID id = UUID.randomUUID();
        String written =
                """
                {"v": 1, "id": "%1$s", "at": "2026-01-02T03:04:05.678901Z",
                 "payload": {"type": "job_changed", "job": "%1$s", "tenant": "%1$s", "seq": 2,
                             "from_state": "validating", "to_state": "queued", "epoch": 0}}
                """
                        .formatted(id);

        assertThat(Json.read(written, Envelope.class).payload())
                .isEqualTo(
                        new JobChanged(
                                new JobId(id),
                                new TenantId(id),
                                2,
                                JobState.VALIDATING,
                                JobState.QUEUED,
                                0));
    }
}
