package dev.tunesmith.platform.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ReadyMessageTest {
    @Test
    void waitsForTheManagementPort() throws InterruptedException {
        var looks = new AtomicInteger();

        String line =
                ReadyMessage.await(
                        "api-service", 8080, () -> looks.incrementAndGet() < 4 ? -1 : 9000);

        assertThat(line)
                .isEqualTo("{\"ready\":\"api-service\",\"port\":8080,\"management_port\":9000}");
    }
}
