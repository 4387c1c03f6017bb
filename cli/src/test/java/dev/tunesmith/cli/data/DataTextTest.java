package dev.tunesmith.cli.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tunesmith.cli.Api;
import dev.tunesmith.cli.Output;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/// What a preview looks like.
final class DataTextTest {
    private static final String PREVIEW =
            """
            {"row": 3, "documents": [{"tokens": 7, "trained_tokens": 3, "pieces": [
              {"text": "user: hi\\n", "weight": 0.0}, {"text": "ho", "weight": 1.0},
              {"text": "hm", "weight": 0.5}, {"text": "\\u001b[31mred", "weight": 0.0}]}]}
            """;

    private static String preview(boolean colours) throws JsonProcessingException {
        JsonNode result = Api.JSON.readTree(PREVIEW);
        var said = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            new DataText(new Output(), colours).preview(result);
        } finally {
            System.setOut(before);
        }
        return said.toString(StandardCharsets.UTF_8);
    }

    /// Kills: one colour for all, a colour that is not ended, a row that colours itself.
    @Test
    void aTerminalShowsWhatIsTrainedInGreenAndWhatIsHalfTrainedInYellow() throws Exception {
        assertThat(preview(true))
                .isEqualTo(
                        """
                        user: hi
                        \033[32mho\033[0m\033[33mhm\033[0m\u241B[31mred
                        (7 tokens, 3 of them trained)
                        """);
    }

    @Test
    void withoutColoursBracketsStandAroundIt() throws Exception {
        assertThat(preview(false))
                .isEqualTo(
                        """
                        user: hi
                        [[ho]][[hm]]\u241B[31mred
                        (7 tokens, 3 of them trained)
                        """);
    }
}
