package dev.tunesmith.api;

import static dev.tunesmith.api.testing.Api.as;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.api.testing.ApiTestResource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class OpenApiTest {
    private static final Path COMMITTED = Path.of("../docs/reference/openapi.yaml");
    private static final Path FOUND = Path.of("target/openapi-found.yaml");

    @Test
    void theCommittedDocumentIsTheServedOne() throws IOException {
        String served = as("demo").get("/openapi").then().statusCode(200).extract().asString();
        Files.writeString(FOUND, served);

        assertThat(Files.readString(COMMITTED, UTF_8))
                .as(
                        "the API has changed: read the difference, then copy"
                                + " api-service/target/openapi-found.yaml to"
                                + " docs/reference/openapi.yaml")
                .isEqualTo(served);
    }
}
