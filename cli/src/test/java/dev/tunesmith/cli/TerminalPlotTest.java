package dev.tunesmith.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tunesmith.contracts.curve.Panel;
import dev.tunesmith.contracts.curve.Series;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

final class TerminalPlotTest {
    private static Map<String, Series> falling(int steps) {
        var lines = new ArrayList<Map<String, Object>>();
        for (int step = 1; step <= steps; step++) {
            lines.add(Map.of("step", step, "train_loss", 3.0 / step, "learning_rate", 1e-4));
        }
        return Series.of(lines);
    }

    @Test
    void drawsEachPanelInItsFrame() {
        Panel loss = Panel.of(falling(100)).getFirst();
        List<String> lines = TerminalPlot.of(loss, 60, 8);
        assertThat(lines).hasSize(10);
        assertThat(lines.getFirst()).endsWith("loss: train_loss");
        assertThat(lines.getLast()).contains("1").endsWith("step 100");
        assertThat(lines.subList(1, 9)).allMatch(line -> line.length() == 60);
        assertThat(lines.get(1)).matches("    3\\.15 ┤[\u2801-\u28ff]\u2800*");
    }

    @Test
    void severalCurvesHaveNumbersAtTheirEnds() {
        var lines = new ArrayList<Map<String, Object>>();
        for (int step = 1; step <= 20; step++) {
            lines.add(Map.of("step", step, "rewards/chosen", step, "rewards/rejected", -step));
        }
        Panel rewards = Panel.of(Series.of(lines)).getFirst();
        List<String> drawn = TerminalPlot.of(rewards, 60, 8);
        String first = rewards.curves().getFirst().name();
        boolean chosenFirst = first.equals("rewards/chosen");
        assertThat(drawn.getFirst()).contains("1 " + first);
        assertThat(drawn.subList(1, 4)).anyMatch(line -> line.endsWith(chosenFirst ? "1" : "2"));
        assertThat(drawn.subList(5, 9)).anyMatch(line -> line.endsWith(chosenFirst ? "2" : "1"));
    }

    @Test
    void oneMeasurementIsADot() {
        assertThat(TerminalPlot.of(Panel.of(falling(1)).getFirst(), 40, 4)).hasSize(6);
    }

    @Test
    void findsFiguresByAPartOfTheirName() {
        assertThat(Panel.of(falling(3), "rate").orElseThrow().curves())
                .extracting(Series::name)
                .containsExactly("learning_rate");
        assertThat(Panel.of(falling(3), "reward")).isEmpty();
    }

    @Test
    void thinningKeepsTheOutline() {
        Series loss = Objects.requireNonNull(falling(10_000).get("train_loss"));
        Series thin = loss.thinned(100);
        assertThat(thin.points()).hasSizeLessThanOrEqualTo(110);
        assertThat(thin.points().getFirst().value()).isEqualTo(3);
        assertThat(thin.points().getLast().step()).isEqualTo(10_000);
    }
}
