package dev.tunesmith.api.dataset;

import static dev.tunesmith.api.testing.Api.as;
import static dev.tunesmith.api.testing.Api.upload;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.startsWith;

import dev.tunesmith.api.testing.ApiTestResource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class FileResourceTest {
    private static final byte[] ROWS =
            """
            {"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"}]}
            {"messages":[{"role":"user","content":"1+1"},{"role":"assistant","content":"2"}]}
            """
                    .getBytes(UTF_8);

    @Test
    void storesWhatWasUploadedAndGivesItBack() {
        String id =
                upload("demo", "train.jsonl", ROWS)
                        .then()
                        .statusCode(200)
                        .header("x-request-id", startsWith("req_"))
                        .body("object", equalTo("file"))
                        .body("id", startsWith("file-"))
                        .body("bytes", equalTo(ROWS.length))
                        .body("filename", equalTo("train.jsonl"))
                        .body("purpose", equalTo("fine-tune"))
                        .body("status", equalTo("processed"))
                        .body("created_at", notNullValue())
                        .body("$", org.hamcrest.Matchers.hasKey("expires_at"))
                        .body("$", org.hamcrest.Matchers.hasKey("status_details"))
                        .extract()
                        .path("id");

        byte[] content =
                as("demo")
                        .accept("application/binary")
                        .get("/v1/files/{id}/content", id)
                        .then()
                        .statusCode(200)
                        .header("content-length", Integer.toString(ROWS.length))
                        .extract()
                        .asByteArray();
        assertThat(content).isEqualTo(ROWS);
        as("demo").get("/v1/files/{id}", id).then().statusCode(200).body("id", equalTo(id));
    }

    @Test
    void givesARangeOfBytes() {
        String id = upload("demo", "range.jsonl", ROWS).path("id");

        String part =
                as("demo")
                        .header("range", "bytes=2-9")
                        .get("/v1/files/{id}/content", id)
                        .then()
                        .statusCode(206)
                        .header("content-range", "bytes 2-9/" + ROWS.length)
                        .extract()
                        .asString();

        assertThat(part).isEqualTo(new String(ROWS, 2, 8, UTF_8));
        as("demo")
                .header("range", "bytes=99999-")
                .get("/v1/files/{id}/content", id)
                .then()
                .statusCode(416);
    }

    @Test
    void keepsOfAPathOnlyItsLastName() {
        upload("demo", "../../etc/passwd\u0007", ROWS)
                .then()
                .statusCode(200)
                .body("filename", equalTo("passwd"));
        upload("demo", "C:\\data\\rows.jsonl", ROWS)
                .then()
                .statusCode(200)
                .body("filename", equalTo("rows.jsonl"));
    }

    @Test
    void listsNewestFirstAndEndsWithAnEmptyPage() {
        String first = upload("guest", "a.jsonl", ROWS).path("id");
        String second = upload("guest", "b.jsonl", ROWS).path("id");

        as("guest")
                .get("/v1/files?limit=1&purpose=fine-tune")
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data[0].id", equalTo(second))
                .body("has_more", equalTo(true))
                .body("first_id", equalTo(second))
                .body("last_id", equalTo(second));
        as("guest")
                .get("/v1/files?limit=1&after=" + second)
                .then()
                .body("data[0].id", equalTo(first));
        as("guest")
                .get("/v1/files?order=asc&after=" + second)
                .then()
                .body("data.size()", equalTo(0))
                .body("has_more", equalTo(false));
    }

    @Test
    void deletesAFileButNotItsTwin() {
        byte[] own = "{\"messages\":[]}\n".getBytes(UTF_8);
        String first = upload("demo", "twin-a.jsonl", own).path("id");
        String second = upload("demo", "twin-b.jsonl", own).path("id");

        as("demo")
                .delete("/v1/files/{id}", first)
                .then()
                .statusCode(200)
                .body("deleted", equalTo(true))
                .body("id", equalTo(first));

        as("demo").get("/v1/files/{id}", first).then().statusCode(404);
        as("demo").delete("/v1/files/{id}", first).then().statusCode(404);
        assertThat(as("demo").get("/v1/files/{id}/content", second).asByteArray()).isEqualTo(own);
        as("demo").get("/v1/files").then().body("data.id", not(hasItem(first)));
    }

    @Test
    void namesEverythingThatAFormLacks() {
        as("demo")
                .multiPart("purpose", "finetune")
                .post("/v1/files")
                .then()
                .statusCode(400)
                .body("error.type", equalTo("invalid_request_error"))
                .body("x_errors.param", equalTo(java.util.List.of("purpose", "file")))
                .body("x_errors[0].message", org.hamcrest.Matchers.containsString("fine-tune"));
        as("demo")
                .body("{}")
                .contentType("application/json")
                .post("/v1/files")
                .then()
                .statusCode(400);
    }

    @Test
    void refusesAFormThatIsCutShort() {
        as("demo")
                .contentType("multipart/form-data; boundary=x")
                .body(
                        "--x\r\nContent-Disposition: form-data; name=file\r\n\r\nhalf"
                                .getBytes(UTF_8))
                .post("/v1/files")
                .then()
                .statusCode(400);
    }

    @Test
    void refusesAFileOverTheLimit() {
        upload("demo", "big.jsonl", new byte[4 << 20])
                .then()
                .statusCode(413)
                .body("error.code", equalTo("body_too_large"))
                .header("x-request-id", notNullValue());
    }
}
