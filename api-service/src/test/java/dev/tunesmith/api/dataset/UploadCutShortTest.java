package dev.tunesmith.api.dataset;

import static dev.tunesmith.api.testing.Api.as;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.api.testing.Api;
import dev.tunesmith.api.testing.ApiTestResource;
import dev.tunesmith.platform.objects.ObjectStore;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("servers")
@QuarkusTest
@WithTestResource(ApiTestResource.class)
class UploadCutShortTest {
    @Inject ObjectStore objects;

    @Test
    void leavesNothingThatCanBeSeen() throws Exception {
        List<String> before = as("guest").get("/v1/files").path("data.id");
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), RestAssured.port)) {
            String form =
                    String.join(
                            "\r\n",
                            "--xyz",
                            "Content-Disposition: form-data; name=\"purpose\"",
                            "",
                            "fine-tune",
                            "--xyz",
                            "Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"",
                            "",
                            "{\"messages\":[");
            String head =
                    String.join(
                            "\r\n",
                            "POST /v1/files HTTP/1.1",
                            "Host: localhost",
                            "Authorization: Bearer " + Api.key("guest"),
                            "Content-Type: multipart/form-data; boundary=xyz",
                            "Content-Length: 100000");
            socket.getOutputStream().write((head + "\r\n\r\n" + form).getBytes(UTF_8));
            socket.getOutputStream().flush();
            Thread.sleep(300);
        }
        Thread.sleep(500);

        assertThat(as("guest").get("/v1/files").<List<String>>path("data.id")).isEqualTo(before);
        String prefix = "t/%s/incoming/".formatted(Api.tenant("guest").value());
        assertThat(objects.list(prefix, "", 10)).isEmpty();
    }
}
