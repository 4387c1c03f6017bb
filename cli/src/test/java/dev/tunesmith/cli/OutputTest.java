package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class OutputTest {
    @Test
    void onlyATerminalOfWhoDidNotDeclineThemHasColours() {
        assertThat(Output.hasColours(Map.of(), true)).isTrue();
        assertThat(Output.hasColours(Map.of("NO_COLOR", ""), true)).isTrue();
        assertThat(Output.hasColours(Map.of("NO_COLOR", "1"), true)).isFalse();
        assertThat(Output.hasColours(Map.of("NO_COLOR", "0"), true)).isFalse();
        assertThat(Output.hasColours(Map.of(), false)).isFalse();
    }

    @Test
    void outputThatSomethingElseReadsHasNone() {
        assertThat(Output.hasColours()).isFalse();
    }
}
