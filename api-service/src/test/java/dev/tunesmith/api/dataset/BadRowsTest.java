package dev.tunesmith.api.dataset;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasSize;

import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.api.testing.Rows;
import dev.tunesmith.platform.json.Json;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.ValidatableResponse;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Files that nothing can be trained on: the upload is kept and says what is wrong, a job with it
/// is refused.
@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class BadRowsTest {
    @Test
    void namesLineAndReasonOfTheFirstTwentyAndCountsTheRest() {
        String good = new String(Rows.CHAT, UTF_8);
        refused(good + "not json\n".repeat(30))
                .body("status", equalTo("error"))
                .body("status_details", containsString("30 problems"))
                .body("status_details", containsString("line 3"))
                .body("status_details", containsString("and 10 more"))
                .body("x_report.rows", equalTo(32))
                .body("x_report.problem_count", equalTo(30))
                .body("x_report.problems", hasSize(20))
                .body("x_report.problems[0].line", equalTo(3));
    }

    @Test
    void everyBadRowStandsInTheFindings() {
        String good = new String(Rows.CHAT, UTF_8);
        ValidatableResponse refused = refused(good + "not json\n".repeat(30));
        String id = refused.extract().path("id");

        refused.body("status_details", containsString("/api/v1/files/%s/findings".formatted(id)));
        List<String> lines =
                as("demo").get("/api/v1/files/{id}/findings", id).asString().lines().toList();
        assertThat(lines).filteredOn(line -> line.contains("is not JSON")).hasSize(30);
        assertThat(lines).allMatch(line -> line.contains("\"file\":\"rows.jsonl\""));
        assertThat(lines).anyMatch(line -> line.contains("\"line\":32,"));
        as("guest").get("/api/v1/files/{id}/findings", id).then().statusCode(404);
    }

    /// Kills: a report with a NUL, which no table takes, and one as long as the row.
    @Test
    void aHostileRowIsReportedInBounds() {
        String key = "{\"messages\":[{\"%s\":1}]}\n";
        String huge = "\\u0000\\ud83d\\u001b".repeat(100_000);
        ValidatableResponse refused =
                refused(
                        "{\"messages\":[{\"role\":\"a\\u0000b\\ud800\",\"content\":\"x\"}]}\n"
                                + key.formatted("k\\u0000\\u2028")
                                + key.formatted(huge)
                                + "\0\u001b]0;x\u0007\n");

        assertThat(refused.body("status", equalTo("error")).extract().asByteArray())
                .hasSizeLessThan(50_000);
        String id = refused.extract().path("id");
        List<String> lines =
                as("demo").get("/api/v1/files/{id}/findings", id).asString().lines().toList();
        assertThat(lines)
                .hasSizeGreaterThan(4)
                .allSatisfy(line -> {
                    assertThat(line).hasSizeLessThan(6000);
                    assertThat(Json.tree(line)).containsKeys("file", "line", "kind", "message");
                });
    }

    @Test
    void anEmptyFileIsAnError() {
        refused("").body("status_details", containsString("empty"));
        refused("\n\n").body("status_details", containsString("no rows"));
    }

    @Test
    void aConversationNeedsAnAnswer() {
        refused("{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}\n")
                .body("status_details", containsString("line 1"))
                .body("status_details", containsString("assistant"));
    }

    @Test
    void aJobWithABrokenFileIsRefusedWithItsRows() {
        Rows.baseModel("nano");
        String file = upload("demo", "bad.jsonl", "nothing\n".getBytes(UTF_8)).path("id");

        as("demo")
                .body("{\"model\":\"nano\",\"training_file\":\"%s\"}".formatted(file))
                .post("/v1/fine_tuning/jobs")
                .then()
                .statusCode(400)
                .body("error.code", equalTo("invalid_training_file"))
                .body("error.param", equalTo("training_file"))
                .body("x_errors.line", hasItem(1));
    }

    private static final String OWN =
            "{\"question\":\"2+2?\",\"reply\":\"4\"}\n{\"question\":\"3+3?\",\"reply\":\"6\"}\n";

    private static ValidatableResponse job(String file, String data) {
        return as("demo")
                .body(
                        "{\"model\":\"nano\",\"x_training\":{\"data\":[{\"file\":\"%s\"%s}]}}"
                                .formatted(file, data))
                .post("/v1/fine_tuning/jobs")
                .then();
    }

    /// Kills: an upload that is the last word on rows whose columns only the job names.
    @Test
    void rowsWithColumnsOfTheirOwnWaitForAJobThatNamesThem() {
        Rows.baseModel("nano");
        ValidatableResponse file =
                refused(OWN)
                        .body("status", equalTo("processed"))
                        .body("status_details", containsString("x_training.data"))
                        .body("x_report.format", equalTo(null))
                        .body("x_report.figures.findings.unknown_shape.count", equalTo(2));
        String id = file.extract().path("id");
        as("demo").get("/v1/files/{id}", id).then().body("status", equalTo("processed"));

        job(id, "")
                .statusCode(400)
                .body("error.code", equalTo("invalid_training_file"))
                .body("error.message", containsString("\"columns\""))
                .body("x_errors.param", hasItem("x_training.data.0.file"))
                .body("x_errors.line", hasItem(2));
        job(id, ",\"columns\":{\"prompt\":\"question\",\"response\":\"reply\"}")
                .statusCode(200)
                .body("status", equalTo("validating_files"))
                .body("x_training.data[0].columns.response", equalTo("reply"));
    }

    /// Kills: one row without a known key that makes a whole file of chats processed.
    @Test
    void oneRowOfAnotherShapeAmongChatsIsABadRow() {
        refused(new String(Rows.CHAT, UTF_8) + OWN)
                .body("status", equalTo("error"))
                .body("x_report.problem_count", equalTo(2));
        refused(OWN + "not json\n").body("status", equalTo("error"));
    }

    private static ValidatableResponse refused(String rows) {
        return upload("demo", "rows.jsonl", rows.getBytes(UTF_8)).then().statusCode(200);
    }
}
